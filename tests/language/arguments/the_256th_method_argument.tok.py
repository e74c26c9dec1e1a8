"""The limit holds for methods as well."""
print("class A { m() {} }")
print("A().m(" + "1, " * 255)
print("  last); // error at 'last'")
