"""The same for a function in the stack."""
name = "f" * 100_000
print(f"fun {name}() {{ nil(); }} // expect runtime error: no function")
print(f"{name}(); // expect stack: {name}():1 script:2")
