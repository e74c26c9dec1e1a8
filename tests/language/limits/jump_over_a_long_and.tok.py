"""A short circuit over more than 64 KiB of bytecode."""
long_sum = "a" + " + a * a" * 20_000
print("fun f(a, go) { return go and " + long_sum + "; }")
print("print f(1, true);  // expect: 20001")
print("print f(1, nil);   // expect: nil")
