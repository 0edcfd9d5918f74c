//! The README's tutorial is the example that is compiled and run: word for word.

use std::fs;
use std::path::Path;

/// The files that the tutorial shows, each under a caption with its path. What it adds to a file later on has a caption
/// of its own, which ends in `, added`.
const SHOWN: [&str; 10] = [
    "Cargo.toml",
    "build.rs",
    "schemas/shop/protocol.toml",
    "schemas/shop/1.0.0/shop.proto",
    "schemas/shop/2.0.0/shop.proto",
    "schemas/shop/2.0.0/step.toml",
    "src/step.rs",
    "src/main.rs",
    "src/bin/client.rs",
    "src/bin/upgrading.rs",
];

#[test]
fn the_readme_shows_the_shop_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let mut additions = 0;
    for file in SHOWN {
        let blocks = blocks(&readme, &format!("`{file}`"));
        let [shown] = blocks.as_slice() else { panic!("the README shows {file} {} times", blocks.len()) };
        let real = fs::read_to_string(root.join("examples/shop").join(file)).expect("the example's file");
        // The reader's package lies beside the checkout, the example within it.
        let mut real = real.replace("path = \"../..\"", "path = \"../straddle\"");
        for added in self::blocks(&readme, &format!("`{file}`, added")) {
            assert_eq!(real.matches(added).count(), 1, "what the README adds to {file} is there once:\n{added}");
            real = real.replace(added, "").replace("\n\n\n", "\n\n");
            additions += 1;
        }
        assert_eq!(shown.trim_end(), real.trim_end(), "the README's {file} is not examples/shop/{file}");
    }
    assert_eq!(additions, readme.matches("`, added\n").count(), "each addition is to a file that is shown");
}

/// The blocks of code under this caption.
fn blocks<'a>(readme: &'a str, caption: &str) -> Vec<&'a str> {
    let caption = format!("\n{caption}\n\n```");
    let parts = readme.split(caption.as_str()).skip(1);
    parts
        .map(|part| part.split_once('\n').and_then(|(_, code)| code.split_once("```")).expect("a block of code").0)
        .collect()
}
