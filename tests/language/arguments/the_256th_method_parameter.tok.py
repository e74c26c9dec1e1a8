"""The limit holds for methods as well."""
print("class A { m(" + ", ".join(f"p{i}" for i in range(255)) + ",")
print("  last) {} } // error at 'last'")
