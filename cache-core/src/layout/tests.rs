use super::*;

fn layout() -> Layout {
    Layout::new("app").unwrap()
}

fn text(key: &Key) -> &str {
    std::str::from_utf8(key.as_bytes()).unwrap()
}

fn entry(prefix: &str, tags: &[&str]) -> EntryKeys {
    let leaf = Leaf(0x0a3f);
    let named = FunctionEntry {
        prefix,
        function: "f",
        version: None,
        args_hash: [0xab; 16],
        leaf,
        tags,
    };
    layout().function_entry(&named).unwrap()
}

#[test]
fn names_are_golden() {
    let keys = entry("user:42", &["team:7"]);
    let names: Vec<_> = keys.read().iter().map(text).collect();
    assert_eq!(
        names,
        [
            "app:user:42:f:abababababababababababababababab",
            "app:~l:0a3f",
            "app:~n:user",
            "app:~n:user:42",
            "app:~n:user:42:f",
            "app:~t:team:7",
        ]
    );
    let keys = layout().plain_entry("rates:eur").unwrap();
    let names: Vec<_> = keys.read().iter().map(text).collect();
    assert_eq!(
        names,
        ["app:rates:eur", "app:~n:rates:eur", "app:~n:rates",]
    );
    let deep = layout().plain_entry("a:b:c:d:e:f:g:h:i").unwrap();
    assert_eq!(text(deep.leaf()), "app:~n:a:b:c:d:e:f:g:h:i");
    assert_eq!(deep.generations().len(), 9);
    assert_eq!(text(&layout().counter("logins").unwrap()), "app:!c:logins");
    assert_eq!(Leaf::of_call("get_profile", &[1, 2, 3]).bucket(), 0xad1d);
}

#[test]
fn entry_without_a_prefix_has_its_leaf_and_its_function() {
    let keys = entry("", &[]);
    assert_eq!(text(keys.value()), "app:f:abababababababababababababababab");
    let names: Vec<_> = keys.generations().iter().map(text).collect();
    assert_eq!(names, ["app:~l:0a3f", "app:~n:f"]);
}

#[test]
fn invalidation_deletes_the_very_key_that_a_read_asks_for() {
    let keys = entry("user:42", &["team:7"]);
    let regions = [
        Region::Leaf(Leaf(0x0a3f)),
        Region::Node("user"),
        Region::Node("user:42"),
        Region::Node("user:42:f"),
        Region::Tag("team:7"),
    ];
    for (region, read) in regions.into_iter().zip(keys.generations()) {
        assert!(layout().copies(region).contains(read));
    }
}

#[test]
fn clear_meets_every_generation_and_no_value() {
    let beginning = layout().all_generations();
    let keys = entry("user:42", &["team:7"]);
    let canary = layout().canary(&Nonce::random().unwrap());
    assert!(
        keys.generations()
            .iter()
            .all(|key| key.as_bytes().starts_with(beginning.as_bytes()))
    );
    assert!(!keys.value().as_bytes().starts_with(beginning.as_bytes()));
    assert!(!canary.as_bytes().starts_with(beginning.as_bytes()));
}

#[test]
fn a_scan_from_a_node_meets_every_value_that_it_covers() {
    let met = |node: &str, value: &Key| {
        let beginning = layout().values_from(node);
        value.as_bytes().starts_with(beginning.as_bytes())
    };
    let plain = layout().plain_entry("user:4").unwrap();
    assert!(met("user:4", entry("user:4", &[]).value()));
    // With its version.
    assert!(met("user:4:f", entry("user:4", &[]).value()));
    assert!(met("user:4", plain.value()));
    assert!(!met("user:5", plain.value()));
}

#[test]
fn the_lease_of_a_sweep_is_neither_value_generation_nor_counter() {
    let lease = layout().sweep_lease();
    assert_eq!(lease.as_bytes(), b"app:!s");
    assert_ne!(lease, layout().counter("s").unwrap());
    assert!(ValueName::read(&layout(), &lease).is_none());
}

#[test]
fn leaf_keeps_name_and_arguments_apart() {
    assert_ne!(Leaf::of_call("f", b"oo"), Leaf::of_call("fo", b"o"));
    assert_ne!(Leaf::of_call("f", b""), Leaf::of_call("f", b"f"));
}

#[test]
fn namespace_that_could_forge_a_name_is_refused() {
    for bad in [
        "", ":", "a:", ":a", "a::b", "a:b", "a*", "a b", "~n", "a:~l", "{a}", "é", "a\n",
    ] {
        assert!(Layout::new(bad).unwrap_err().is_configuration(), "{bad:?}");
    }
    for good in ["a", "my-app.v2", "my_app", &"a".repeat(128)] {
        assert!(Layout::new(good).is_ok(), "{good:?}");
    }
}

#[test]
fn reply_of_another_length_is_an_error() {
    let keys = entry("user", &[]);
    for length in [0, 1, 3, 5] {
        assert!(keys.receive(vec![None; length]).unwrap_err().is_data());
    }
    assert!(keys.receive(vec![None; 4]).is_ok());
}

#[test]
fn foreign_bytes_under_a_generation_count_as_missing() {
    let keys = entry("", &[]);
    for foreign in [vec![], vec![0; 16], vec![1; 15], vec![1; 17]] {
        let (_, observed) = keys
            .receive(vec![None, Some(foreign), Some(vec![1; 16])])
            .unwrap();
        assert_eq!(observed.missing().count(), 1);
    }
}

#[test]
fn each_hole_gets_a_mint_with_its_own_nonce() {
    let keys = entry("user:42", &[]);
    let (_, observed) = keys
        .receive(vec![None, None, Some(vec![1; 16]), None, Some(vec![2; 16])])
        .unwrap();
    let mints = keys.mints(&observed).unwrap();
    assert_eq!(
        mints.iter().map(|mint| text(&mint.key)).collect::<Vec<_>>(),
        ["app:~l:0a3f", "app:~n:user:42"]
    );
    assert_ne!(mints[0].nonce.to_bytes(), mints[1].nonce.to_bytes());
}

#[test]
fn too_many_tags_are_refused() {
    let tags = vec!["t"; MAX_GENERATIONS];
    let named = FunctionEntry {
        prefix: "",
        function: "f",
        version: None,
        args_hash: [0; 16],
        leaf: Leaf(0),
        tags: &tags,
    };
    assert!(
        layout()
            .function_entry(&named)
            .unwrap_err()
            .is_invalid_input()
    );
    let named = FunctionEntry {
        tags: &tags[2..],
        ..named
    };
    assert!(layout().function_entry(&named).is_ok());
}

#[test]
fn key_shows_its_content_to_no_log() {
    assert_eq!(
        format!("{:?}", Key::from("app:user:42".to_owned())),
        "Key(11 bytes)"
    );
}

#[test]
fn text_that_would_forge_a_generation_is_refused() {
    for forged in [
        "~n:user",
        "a:~n:user",
        "!0",
        "",
        "a::b",
        ":a",
        "a:",
        "{3f}a",
        "a}",
    ] {
        assert!(
            layout().plain_entry(forged).unwrap_err().is_invalid_input(),
            "{forged:?}"
        );
        let named = FunctionEntry {
            prefix: "user",
            function: "f",
            version: None,
            args_hash: [0; 16],
            leaf: Leaf(0),
            tags: &[forged],
        };
        assert!(layout().function_entry(&named).is_err(), "{forged:?}");
        let named = FunctionEntry {
            prefix: forged,
            tags: &[],
            ..named
        };
        assert_eq!(
            layout().function_entry(&named).is_err(),
            !forged.is_empty(),
            "{forged:?}"
        );
    }
}

#[test]
fn pattern_meets_the_entries_whose_visible_key_it_begins() {
    let named = FunctionEntry {
        prefix: "user:42",
        function: "get",
        version: Some(3),
        args_hash: [0xab; 16],
        leaf: Leaf(0),
        tags: &[],
    };
    let keys = layout().function_entry(&named).unwrap();
    assert_eq!(
        text(keys.value()),
        "app:user:42:get.v3:abababababababababababababababab"
    );
    let covers = |node: &str| {
        let covered = layout().covered_by(node);
        covered.iter().any(|key| keys.generations().contains(key))
    };
    let hash = "ab".repeat(16);
    for node in [
        "user",
        "user:42",
        "user:42:get",
        "user:42:get.v3",
        "user:42:get.v2",
    ] {
        assert!(covers(node), "{node}");
    }
    assert!(covers(&format!("user:42:get:{hash}")));
    assert!(covers(&format!("user:42:get.v3:{hash}")));
    for node in [
        "42",
        "user:4",
        "user:42:ge",
        "get",
        "user:get",
        "user:42:get.vx",
    ] {
        assert!(!covers(node), "{node}");
    }
}
