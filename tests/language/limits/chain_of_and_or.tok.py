"""Neither are chains of and and or."""
print("print true" + " and true" * 10_000 + "; // expect: true")
print("print false" + " or false" * 10_000 + "; // expect: false")
print("print nil" + " or nil and 1" * 5_000 + "; // expect: nil")
