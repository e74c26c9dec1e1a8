"""65,000 different strings in one function."""
print("fun f() {")
print('  var last = "";')
for i in range(65_000):
    print(f'  last = "s{i}";')
print("  print last; // expect: s64999")
print("}")
print("f();")
