"""A literal of 100,000 bytes is a string like any other."""
text = "0123456789" * 10_000
print(f'var s = "{text}";')
print("print length(s); // expect: 100000")
print("print s; // expect: " + text)
