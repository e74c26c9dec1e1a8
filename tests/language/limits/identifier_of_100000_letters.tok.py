"""An identifier may be very long: works or is a clean error."""
name = "n" * 100_000
print(f"var {name} = 1;")
print(f"print {name}; // expect: 1")
print("// or a clean error")
