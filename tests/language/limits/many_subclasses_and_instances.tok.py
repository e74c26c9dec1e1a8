"""A thousand classes, one instance of each, in one list."""
print("class Base { init(next) { this.next = next; } one() { return 1; } }")
print("var list = nil;")
for i in range(1_000):
    print(f"class C{i} < Base {{ two() {{ return {i}; }} }} list = C{i}(list);")
print("var sum = 0;")
print("for (var c = list; c != nil; c = c.next) sum = sum + c.one() + c.two();")
print("print sum; // expect: 500500")
