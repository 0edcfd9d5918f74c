fn main() -> Result<(), Box<dyn std::error::Error>> {
    straddle::codegen::compile("schemas/shop")?;
    Ok(())
}
