"""Inheritance over a hundred classes; each method adds one."""
print("class C0 { m() { return 0; } }")
for i in range(1, 100):
    print(f"class C{i} < C{i - 1} {{ m() {{ return super.m() + 1; }} }}")
print("print C99().m(); // expect: 99")
