"""A super call as the last of 254 arguments, and one inside another's arguments."""
ones = ", ".join(["1"] * 253)
parameters = ", ".join(f"p{i}" for i in range(254))
print(f"""class A {{ m(x) {{ return x + 1; }} }}
fun last({parameters}) {{ return p253; }}
class B < A {{
  m(x) {{ return last({ones}, super.m(x)); }}
  n(x) {{ return last({ones}, super.m(last({ones}, super.m(x)))); }}
  get() {{ return last({ones}, super.m)(5); }}
}}
print B().m(1); // expect: 2
print B().n(1); // expect: 3
print B().get(); // expect: 6""")
