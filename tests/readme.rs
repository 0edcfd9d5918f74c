//! The README's tutorial is the example that is compiled and run: word for word.

use std::fs;
use std::path::Path;

/// The files that the tutorial shows, each under a caption with its path.
const SHOWN: [&str; 9] = [
    "Cargo.toml",
    "build.rs",
    "schemas/shop/protocol.toml",
    "schemas/shop/1.0.0/shop.proto",
    "schemas/shop/2.0.0/shop.proto",
    "schemas/shop/2.0.0/step.toml",
    "src/step.rs",
    "src/main.rs",
    "src/bin/client.rs",
];

#[test]
fn the_readme_shows_the_shop_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    for file in SHOWN {
        let caption = format!("\n`{file}`\n\n```");
        let (_, after) = readme.split_once(&caption).unwrap_or_else(|| panic!("{file} has no caption in the README"));
        let (_, after) = after.split_once('\n').expect("a code block");
        let (shown, _) = after.split_once("```").expect("the end of the code block");
        let real = fs::read_to_string(root.join("examples/shop").join(file)).expect("the example's file");
        // The reader's package lies beside the checkout, the example within it.
        let real = real.replace("path = \"../..\"", "path = \"../straddle\"");
        assert_eq!(shown, real, "the README's {file} is not examples/shop/{file}");
    }
}
