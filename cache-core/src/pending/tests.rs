//! What is covered, tried, settled and widened.

use super::*;

fn add<const N: usize>(pending: &Pending, nodes: [&str; N], everything: bool) {
    let nodes = nodes.map(Box::from);
    pending.add(Regions {
        everything,
        ..Regions::of_nodes(&nodes)
    });
}

fn add_leaf(pending: &Pending, leaf: Leaf) {
    pending.add(Regions {
        leaves: &[leaf],
        ..Regions::of_nodes(&[])
    });
}

fn add_tag(pending: &Pending, tag: &str) {
    pending.add(Regions::of_tags(&[tag.into()]));
}

fn covers(pending: &Pending, path: &str, function: &str, leaf: Option<Leaf>) -> bool {
    pending.covers(path, function, leaf, &Tags::NONE)
}

fn leaf(number: u32) -> Leaf {
    Leaf::of_call("get", &number.to_le_bytes())
}

fn drain(pending: &Pending, limit: usize) -> Vec<String> {
    let mut tried = Vec::new();
    while let Some(attempt) = pending.attempt(limit) {
        tried.extend(attempt.nodes.iter().map(ToString::to_string));
        pending.acknowledged(&attempt);
    }
    tried
}

#[test]
fn equal_ones_are_merged_and_each_is_tried() {
    let pending = Pending::default();
    for _ in 0..100 {
        add(&pending, ["user:1", "user:2", "booking"], false);
    }
    assert_eq!(pending.len(), 3);
    assert_eq!(drain(&pending, 2), ["booking", "user:1", "user:2"]);
    assert_eq!(pending.len(), 0);
}

#[test]
fn what_is_entered_during_an_attempt_outlives_its_acknowledgement() {
    let pending = Pending::default();
    add(&pending, ["user:1", "user:2"], true);
    let attempt = pending.attempt(10).unwrap();
    add(&pending, ["user:1"], false);
    pending.acknowledged(&attempt);
    assert_eq!(drain(&pending, 10), ["user:1"]);
    add(&pending, [], true);
    let attempt = pending.attempt(10).unwrap();
    add(&pending, [], true);
    pending.acknowledged(&attempt);
    assert!(pending.attempt(10).unwrap().everything);
}

#[test]
fn entries_at_and_below_a_node_are_covered() {
    let pending = Pending::default();
    assert!(!covers(&pending, "user:42", "get", None));
    add(&pending, ["user:42", "rate:get", "top"], false);
    for (path, function) in [
        ("user:42", "get"),
        ("user:42:profile", "get"),
        ("user:42:profile", ""),
        ("rate", "get"),
        ("", "top"),
    ] {
        assert!(covers(&pending, path, function, None), "{path} {function}");
    }
    for (path, function) in [
        ("user", "get"),
        ("user:4", ""),
        ("rate", "set"),
        ("", "get"),
    ] {
        assert!(!covers(&pending, path, function, None), "{path} {function}");
    }
    let deep = "a:b:c:d:e:f:g:h:i:j";
    add(&pending, [deep], false);
    assert!(covers(&pending, deep, "", None));
    add(&pending, [], true);
    assert!(covers(&pending, "user", "get", None));
}

#[test]
fn many_are_widened_and_nothing_is_lost() {
    let pending = Pending::default();
    for user in 0..100_000 {
        add(
            &pending,
            [format!("user:{user}:orders:open").as_str()],
            false,
        );
    }
    assert!(pending.len() <= MOST, "{}", pending.len());
    for user in [0, 1, 50_000, 99_999] {
        assert!(covers(
            &pending,
            &format!("user:{user}:orders:open"),
            "list",
            None
        ));
    }
    assert!(!covers(&pending, "booking:stats", "get", None));
    for first in 0..2 * MOST {
        add(&pending, [format!("first{first}").as_str()], false);
    }
    assert!(pending.len() <= MOST + 1, "{}", pending.len());
    assert!(
        covers(&pending, "first0", "list", None)
            && covers(&pending, "user:1:orders:open", "list", None)
    );
}

#[test]
fn leaves_are_covered_and_tried_by_themselves() {
    let pending = Pending::default();
    add_leaf(&pending, leaf(1));
    assert!(covers(&pending, "user:1", "get", Some(leaf(1))));
    assert!(!covers(&pending, "user:1", "get", Some(leaf(2))));
    assert!(!covers(&pending, "user:1", "", None));
    add(&pending, ["user:2", "user:3"], false);
    let first = pending.attempt(2).unwrap();
    assert!(first.leaves.is_empty());
    pending.acknowledged(&first);
    let second = pending.attempt(2).unwrap();
    assert_eq!((second.nodes.len(), second.leaves.len()), (0, 1));
    // Entered again meanwhile, it outlives the acknowledgement.
    add_leaf(&pending, leaf(1));
    pending.acknowledged(&second);
    assert!(covers(&pending, "", "get", Some(leaf(1))));
    add(&pending, [], true);
    let everything = pending.attempt(1).unwrap();
    pending.acknowledged(&everything);
    assert_eq!(pending.len(), 0);
}

#[test]
fn leaves_are_bounded_by_themselves_and_widen_no_node() {
    let pending = Pending::default();
    add(&pending, ["user:1"], false);
    for number in 0..200_000 {
        add_leaf(&pending, leaf(number));
    }
    assert!(pending.len() <= 65_536 + 1, "{}", pending.len());
    assert!(!covers(&pending, "user:2", "", None) && covers(&pending, "user:1", "", None));
    for node in 0..2 * MOST {
        add(&pending, [format!("first{node}").as_str()], false);
    }
    assert!(covers(&pending, "", "get", Some(leaf(199_999))));
}

#[test]
fn tags_are_covered_and_tried_by_themselves() {
    let pending = Pending::default();
    let carries = |tags: &[&str]| {
        let tags = Tags::of(tags.iter().map(ToString::to_string));
        pending.covers("user:1", "get", None, &tags)
    };
    add_tag(&pending, "team:7");
    assert!(carries(&["catalog", "team:7"]));
    // A tag is neither a node nor above another tag.
    assert!(!carries(&["team", "team:7:x"]) && !carries(&[]));
    assert!(!covers(&pending, "team:7", "get", None));
    add(&pending, ["catalog"], false);
    assert!(!carries(&["catalog"]));
    let first = pending.attempt(1).unwrap();
    assert!(first.tags.is_empty());
    pending.acknowledged(&first);
    let second = pending.attempt(1).unwrap();
    assert_eq!(second.regions().tags, [Box::from("team:7")]);
    // Entered again meanwhile, it outlives the acknowledgement.
    add_tag(&pending, "team:7");
    pending.acknowledged(&second);
    assert!(carries(&["team:7"]));
    add(&pending, [], true);
    pending.acknowledged(&pending.attempt(0).unwrap());
    assert_eq!(pending.len(), 0);
}

#[test]
fn many_tags_become_everything_and_none_is_lost() {
    let pending = Pending::default();
    for tag in 0..MOST {
        add_tag(&pending, &format!("team:{tag}"));
    }
    assert_eq!(pending.len(), MOST);
    assert!(!covers(&pending, "user:1", "get", None));
    add_tag(&pending, "one more");
    assert_eq!(pending.len(), 1);
    assert!(covers(&pending, "user:1", "get", None));
    assert!(pending.attempt(1).unwrap().everything);
}
