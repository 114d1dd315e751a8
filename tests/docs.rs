//! What the documents say about the sources is true.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A row of a table of features.
struct Row {
    id: String,
    state: String,
    /// What stands in backticks in the state or in the last column.
    named: Vec<String>,
    held: bool,
}

fn rows(table: &str) -> Vec<Row> {
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect());
    cells
        .filter(|cells: &Vec<&str>| !matches!(cells[0], "row" | "---"))
        .map(|cells| {
            let [id, _, state, held] = cells[..] else {
                panic!("a row has four columns: {cells:?}");
            };
            Row {
                id: id.into(),
                state: state.into(),
                named: in_backticks(state).chain(in_backticks(held)).collect(),
                held: !held.is_empty(),
            }
        })
        .collect()
}

fn in_backticks(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// Whether a name such as `functions::free_functions` is that of a test.
fn is_test(name: &str) -> bool {
    let mut path: Vec<_> = name.split("::").collect();
    let (function, binary) = (path.pop().unwrap(), path.remove(0));
    path.pop_if(|last| *last == "tests");
    files(binary, &path)
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .any(|source| has_test(&source, function))
}

/// Where the module `path` of a test binary may be.
fn files(binary: &str, path: &[&str]) -> Vec<PathBuf> {
    let modules: PathBuf = path.iter().collect();
    let bases = match binary {
        "cache_core" | "cache_macros" | "cache_redis" => {
            vec![root().join(binary.replace('_', "-")).join("src")]
        }
        "cachewright" => vec![root().join("src")],
        _ => [
            "tests",
            "examples/tests",
            "cache-redis/tests",
            "tests/hygiene/tests",
        ]
        .map(|directory| root().join(directory).join(binary))
        .into(),
    };
    bases
        .into_iter()
        .flat_map(|base| {
            let module = base.join(&modules);
            [module.with_extension("rs"), module.join("tests.rs")]
        })
        .collect()
}

/// Whether `source` has a function of this name with an attribute that makes it a test.
fn has_test(source: &str, function: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let is_it = |line: &str| {
        let declared = line.strip_prefix("async ").unwrap_or(line);
        let name = declared.strip_prefix("fn ");
        name.is_some_and(|rest| rest.starts_with(&format!("{function}(")))
    };
    (0..lines.len()).any(|at| {
        let attributes = lines[..at].iter().rev();
        is_it(lines[at])
            && attributes
                .take_while(|line| line.starts_with("#["))
                .any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"))
    })
}

#[test]
fn every_test_that_the_table_of_features_names_exists() {
    let table = text("docs/features.md");
    for row in rows(&table) {
        for name in &row.named {
            let exists = if name.contains('/') && !name.contains("::") {
                let case = root().join("tests/ui/fail").join(name);
                let passes = root().join("tests/ui").join(name);
                let case = [case, passes].map(|case| case.with_extension("rs").exists());
                case.contains(&true) || root().join(name).exists()
            } else {
                !name.contains("::") || is_test(name)
            };
            assert!(exists, "row {}: `{name}` does not exist", row.id);
        }
    }
}

#[test]
fn no_feature_is_done_without_a_test() {
    let rows = rows(&text("docs/features.md"));
    for row in &rows {
        let kind = row.state.split(':').next().unwrap();
        let right = match kind {
            "done" | "part" => row.held,
            "next" => !row.held,
            _ => false,
        };
        let (id, state) = (&row.id, &row.state);
        assert!(right, "row {id} is `{state}`, held by a test: {}", row.held);
    }
    let mut ids: Vec<_> = rows.iter().map(|row| &row.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), rows.len(), "a row stands twice");
    assert_eq!(ids.len(), 53, "a row is missing");
}

#[test]
fn the_expansion_in_the_readme_is_the_real_one() {
    let expansion = text("cache-macros/src/snapshots/cached_async_method.rs");
    assert!(text("README.md").contains(&expansion));
}

// What the README shows for users' tests is a test.
#[cfg(feature = "testing")]
#[path = "docs/in_your_tests.rs"]
mod in_your_tests;

// What docs/testing.md shows.
#[cfg(feature = "testing")]
#[path = "docs/testing.rs"]
mod testing;
#[cfg(all(feature = "testing", feature = "redis"))]
#[path = "docs/testing_redis.rs"]
mod testing_redis;

/// But for how far the lines are indented, for the tests stand in modules.
#[test]
fn the_tests_in_the_guide_to_testing_run() {
    let lines =
        |text: &str| -> Vec<String> { text.lines().map(|line| line.trim().to_owned()).collect() };
    let sources =
        ["tests/docs/testing.rs", "tests/docs/testing_redis.rs"].map(|file| lines(&text(file)));
    let guide = text("docs/testing.md");
    let mut quoted = 0;
    for block in guide.split("```rust\n").skip(1) {
        let code = lines(block.split("```").next().unwrap_or(block));
        let is_there = sources
            .iter()
            .any(|source| source.windows(code.len()).any(|part| part == code));
        assert!(is_there, "this is in no test:\n{}", code.join("\n"));
        quoted += 1;
    }
    assert!(quoted > 8, "the quotations were not found");
}

#[test]
fn the_test_in_the_readme_is_one_that_runs() {
    let test = text("tests/docs/in_your_tests.rs");
    assert!(text("README.md").contains(&format!("```rust\n{test}```\n")));
}

// `audit_alone` runs it.
#[test]
fn the_audit_in_the_readme_is_one_that_runs() {
    let test = text("tests/docs/one_line.rs");
    assert!(text("README.md").contains(&format!("```rust\n{test}```\n")));
}

#[test]
fn the_report_in_the_readme_is_the_real_one() {
    let report = text("tests/audit/report.txt");
    let readme = text("README.md");
    let shown = readme.split("```text\nUnmatchedPattern").nth(1);
    let shown = shown.and_then(|rest| rest.split("```").next());
    assert!(report.contains(&format!("UnmatchedPattern{}", shown.unwrap())));
}

#[test]
fn the_code_in_the_guide_to_stores_is_that_of_the_example() {
    let (guide, tests) = (text("docs/store.md"), text(STORE_TESTS));
    let store = text("examples/sqlite_store/store.rs");
    let mut quoted = 0;
    for block in guide.split("```rust\n").skip(1) {
        let code = block.split("```").next().unwrap_or(block);
        let is_there = [&store, &tests].iter().any(|file| file.contains(code));
        assert!(is_there, "this is not in the example:\n{code}");
        quoted += 1;
    }
    assert!(quoted > 5, "the quotations were not found");
}

#[test]
fn the_tests_that_the_guide_to_stores_names_exist() {
    let (guide, tests) = (text("docs/store.md"), text(STORE_TESTS));
    let (_, named) = guide.split_once("| | test |").expect("a table of tests");
    let names = named.lines().filter(|line| line.starts_with("| "));
    let names: Vec<_> = names.flat_map(in_backticks).collect();
    assert!(names.len() > 10, "the names were not found");
    for name in names {
        assert!(has_test(&tests, &name), "`{name}` does not exist");
    }
}

const STORE_TESTS: &str = "examples/tests/sqlite_store.rs";

/// Pages of repositories show the lines that rustdoc hides, and who copies them has no program.
#[test]
fn the_readme_hides_no_line_of_its_programs() {
    let readme = text("README.md");
    let mut in_rust = false;
    let mut seen = 0;
    for line in readme.lines() {
        if let Some(language) = line.strip_prefix("```") {
            in_rust = language.starts_with("rust");
            seen += usize::from(in_rust);
        } else if in_rust {
            let hidden = line.trim() == "#" || line.trim_start().starts_with("# ");
            assert!(!hidden, "`{line}` is hidden by rustdoc alone");
        }
    }
    assert!(seen > 3, "the programs were not found");
}

/// Where the repository's pages show its files.
fn pages() -> String {
    let manifest = text("Cargo.toml");
    let repository = manifest
        .lines()
        .find_map(|line| line.strip_prefix("repository = \"")?.strip_suffix('"'));
    format!("{}/blob/main/", repository.expect("a repository"))
}

/// The targets of the links in a document, but for those within it, without their anchors.
fn links(document: &str) -> impl Iterator<Item = &str> {
    let targets = document.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.starts_with('#'))
        .map(|target| target.split('#').next().unwrap_or(target))
}

#[test]
fn no_link_is_broken() {
    let pages = pages();
    for path in [
        "README.md",
        "DESIGN.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/features.md",
        "docs/model/README.md",
        "docs/expansion.md",
        "docs/store.md",
        "docs/testing.md",
        "docs/policies.md",
        "examples/README.md",
    ] {
        let directory = root().join(path).parent().unwrap().to_owned();
        for target in links(&text(path)) {
            let file = match target.strip_prefix(&pages) {
                Some(file) => root().join(file),
                None if target.contains("://") => continue,
                None => directory.join(target),
            };
            assert!(file.exists(), "{path}: {target} does not exist");
        }
    }
}

/// The README is the front page of the documentation too, where no file of the repository is.
#[test]
fn the_readme_links_by_whole_addresses() {
    let (readme, pages) = (text("README.md"), pages());
    for target in links(&readme) {
        assert!(target.contains("://"), "{target} is dead on docs.rs");
    }
    assert!(links(&readme).any(|target| target.starts_with(&pages)));
}

#[test]
fn no_link_within_the_readme_is_broken() {
    let readme = text("README.md");
    let headings = readme.lines().filter(|line| line.starts_with("## "));
    let anchors: Vec<_> = headings
        .map(|line| line[3..].to_lowercase().replace(' ', "-"))
        .collect();
    for target in readme.split("](#").skip(1) {
        let anchor = target.split(')').next().unwrap();
        assert!(anchors.iter().any(|known| known == anchor), "#{anchor}");
    }
}

/// What the design says about undefined behaviour: that there is nothing to look for.
#[test]
fn unsafe_code_is_forbidden_but_in_the_allocator_of_the_benchmarks() {
    let workspace = text("Cargo.toml");
    assert!(workspace.contains("[workspace.lints.rust]\n"));
    assert!(workspace.contains("\nunsafe_code = \"forbid\"\n"));
    let members = workspace
        .lines()
        .find(|line| line.starts_with("members = "));
    let members = members.expect("members").split('"').skip(1).step_by(2);
    let mut seen = 0;
    for package in members.chain(["."]) {
        let manifest = text(&format!("{package}/Cargo.toml"));
        let inherits = manifest.contains("\n[lints]\nworkspace = true\n");
        let denies = manifest.contains("\nunsafe_code = \"deny\"\n");
        let right = inherits || (package == "benches" && denies);
        assert!(right, "{package} does not forbid unsafe code");
        seen += usize::from(inherits);
    }
    assert!(seen >= 6, "{seen} packages were found");
}
