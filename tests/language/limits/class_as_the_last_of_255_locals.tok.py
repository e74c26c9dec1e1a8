"""Local classes behind so many locals that registers end: plain, captured, and captured to be changed."""
locals_ = " ".join(f"var v{i} = {i};" for i in range(253))
print(f"""fun plain() {{
  {locals_}
  class C {{ m() {{ return v252 + 1; }} }}
  return C().m();
}}
fun captured() {{
  {locals_}
  class C {{ m() {{ return C; }} }}
  return C().m();
}}
fun changed() {{
  {locals_}
  class C {{ m() {{ return C; }} }}
  var c = C();
  C = v252;
  return c.m();
}}
fun function() {{
  {locals_}
  fun f(n) {{ if (n == 0) return v252; return f(n - 1); }}
  return f(3);
}}
print plain(); // expect: 253
print captured(); // expect: C
print changed(); // expect: 252
print function(); // expect: 252""")
