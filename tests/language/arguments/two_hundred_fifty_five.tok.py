"""255 arguments and parameters are allowed."""
names = [f"p{i}" for i in range(255)]
print(f"fun f({', '.join(names)}) {{ return {' + '.join(names)}; }}")
print(f"print f({', '.join(str(i) for i in range(255))}); // expect: 32385")
print(f"fun last({', '.join(names)}) {{ return p254; }}")
print(f"print last({', '.join(str(i) for i in range(255))}); // expect: 254")
print(f"class A {{ m({', '.join(names)}) {{ return p0 + p254; }} }}")
print(f"print A().m({', '.join(str(i) for i in range(255))}); // expect: 254")
