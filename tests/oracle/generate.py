#!/usr/bin/env python3
"""generate - a valid, terminating Tok program from a seed.

    python3 generate.py SEED

The same seed gives the same program. Programs have functions, closures, classes, inheritance,
shadowing, loops, deep expressions and string building; about half of them end in an error somewhere
on the way. Lines `// input: TEXT` at the top are what input() is to be given.

Why it terminates: every function first takes from a global tank of `fuel` and gives up when that is
empty, and every loop counts to a constant with a variable that nothing else assigns. Why little of
it fails by accident: each variable, field, parameter and result keeps one type for its whole life.
"""
import random
import sys

NUMBER, STRING, BOOLEAN = "number", "string", "boolean"
PLAIN_TYPES = (NUMBER, STRING, BOOLEAN)
NUMBERS = "0 1 2 3 7 10 0.5 0.1 100 123456 1000000".split()
STRINGS = ['""', '"a"', '"bc"', '"12"', '" 3.5 "', '"x-y"', '"two\nlines"', '"é"']
FUEL = 120
NAMES = "a b c d e f g h".split()
FIELDS = "x y z w".split()
METHODS = "m n o p".split()
DEFAULTS = {NUMBER: "0", STRING: '"none"', BOOLEAN: "false"}

PRELUDE = [
    f"var fuel = {FUEL};",
    'fun cap(s) { if (length(s) > 40) return "cut"; return s; }',
]

RUNTIME_ERRORS = [
    "print nil + {number};", "print {string} - {number};", "print -{string};",
    "print {number} < {string};", "undefined = {number};", "print undefined;",
    "undefined({number});", "{number}({string});",
    "print {number}.field;", "{string}.field = {number};", "nil.method({number});", "cap();",
    "cap({string}, {number});", "length({number});", "number({boolean});", "string();",
    "clock({number});", "class Bad < cap {{ }}", "print {string} * {string};",
    "{{ var f = {number}; f(); }}",
    "{{ fun forever(n) {{ return forever(n + 1); }} forever({number}); }}",
]
COMPILE_ERRORS = [
    "print {number} {number};", "var = {number};", "print ;", "{number} = {number};", "print this;",
    "return {number};", "{{ var t = {number}; var t = {number}; }}", "print super.m();",
    "class Bad < Bad {{ }}", "{{ var t = t; }}", "print {number} + ;", "print #{number};",
    "var class = {number};", "if {number} print 1;",
    "class Bad {{ init() {{ return {number}; }} }}",
]


class ClassInfo:
    def __init__(self, name, superclass):
        self.name, self.superclass = name, superclass
        self.fields = dict(superclass.fields) if superclass else {}
        self.methods = dict(superclass.methods) if superclass else {}
        self.parameters = ()

    def extends(self, other):
        info = self
        while info is not None and info is not other:
            info = info.superclass
        return info is other


class Generator:
    """Types are NUMBER, STRING, BOOLEAN, ("function", parameters, result), ("object", ClassInfo)
    and ("class", ClassInfo)."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.scopes = [{}]        # name -> (type, may be assigned); the first is the globals
        self.excluded = None      # a local that stands in its own initializer
        self.this = None          # ClassInfo inside methods
        self.counter = 0          # for names that are used once
        self.loops = 0            # loops around
        self.result = None        # the type that `return` gives here
        self.error = self.error_at = None  # a statement that fails, and which one it is
        self.statements = 0

    # Choices.

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def pick(self, items):
        return self.random.choice(list(items))

    def unique(self, prefix):
        self.counter += 1
        return f"{prefix}{self.counter}"

    def visible(self, wanted, assignable=False):
        """Names of variables whose type passes wanted(type) and that no inner one hides."""
        found, hidden = [], {self.excluded}
        for scope in reversed(self.scopes):
            for name, (kind, may_assign) in scope.items():
                if name not in hidden and wanted(kind) and (may_assign or not assignable):
                    found.append((name, kind))
            hidden.update(scope)
        return found

    def of_type(self, kind, assignable=False):
        return [name for name, _ in self.visible(lambda other: fits(other, kind), assignable)]

    def functions(self, result):
        return self.visible(lambda kind: kind[0] == "function" and fits(kind[2], result))

    def objects(self):
        return self.visible(lambda kind: kind[0] == "object")

    def new_name(self, kind):
        """A name to declare here; None when every name is taken."""
        scope = self.scopes[-1]
        free = [name for name in NAMES if name not in scope]
        if len(self.scopes) == 1:  # globals may be declared again
            free += [name for name in NAMES if scope.get(name, (None, 0))[0] == kind]
        return self.pick(free) if free else None

    def declare(self, name, kind, assignable=True):
        self.scopes[-1][name] = (kind, assignable)

    # Expressions.

    def expression(self, kind, depth):
        if kind == NUMBER:
            return self.number(depth)
        if kind == STRING:
            return self.string(depth)
        if kind == BOOLEAN:
            return self.boolean(depth)
        if kind[0] == "object":
            return self.object(kind[1], depth)
        return self.pick(self.of_type(kind))

    def any(self, depth):
        return self.expression(self.pick(PLAIN_TYPES), depth)

    def common(self, kind, depth):
        """What an expression of each plain type may be; None when there is nothing of the sort."""
        choice = self.random.randrange(8)
        if choice == 0 and self.of_type(kind, True):
            return f"({self.assignment(self.pick(self.of_type(kind, True)), kind, depth - 1)})"
        if choice in (1, 2) and self.functions(kind):
            name, (_, parameters, _) = self.pick(self.functions(kind))
            return f"{name}{self.arguments(parameters, depth)}"
        if choice in (3, 4):
            return self.member(kind, depth)
        if choice == 5:
            first, second = self.expression(kind, depth - 1), self.expression(kind, depth - 1)
            if kind == BOOLEAN:
                return f"({first} and {second})"
            return f"({self.boolean(depth - 1)} and {first} or {second})"
        if choice == 6 and depth > 1 and self.chance(20):
            return "(" * 40 + self.expression(kind, depth - 1) + ")" * 40
        return self.pick(self.of_type(kind)) if self.of_type(kind) else None

    def member(self, kind, depth):
        """A field or a method call on some object in reach, or on this or super."""
        targets = [(name, info) for name, (_, info) in self.objects()]
        if self.this is not None:
            targets.append(("this", self.this))
        options = []
        for target, info in targets:
            options += [f"{target}.{name}" for name, other in info.fields.items() if other == kind]
            options += [(target, name, parameters) for name, (parameters, result)
                        in info.methods.items() if result == kind]
        if self.this is not None and self.this.superclass is not None:
            options += [("super", name, parameters) for name, (parameters, result)
                        in self.this.superclass.methods.items() if result == kind]
        if not options:
            return None
        option = self.pick(options)
        if isinstance(option, str):
            return option
        target, name, parameters = option
        if self.chance(15):
            return f"({target}.{name}){self.arguments(parameters, depth)}"
        return f"{target}.{name}{self.arguments(parameters, depth)}"

    def arguments(self, parameters, depth):
        texts = [capped(self.expression(parameter, min(depth - 1, 1)), parameter)
                 for parameter in parameters]
        if texts and self.chance(10):
            return "(\n" + ",\n".join(texts) + "\n)"
        return "(" + ", ".join(texts) + ")"

    def assignment(self, name, kind, depth):
        return f"{name} = {capped(self.expression(kind, depth), kind)}"

    def number(self, depth):
        if depth > 0 and self.chance(50):
            common = self.common(NUMBER, depth)
            if common is not None:
                return common
        if depth <= 0 or self.chance(15):
            names = self.of_type(NUMBER)
            if names and self.chance(60):
                return self.pick(names)
            return self.pick(NUMBERS)
        choice = self.random.randrange(10)
        if choice < 6:
            line_end = self.pick([" "] * 8 + ["\n"])
            left, right = self.number(depth - 1), self.number(depth - 1)
            return f"({left}{line_end}{self.pick('+-*/+-')}{line_end}{right})"
        if choice == 6:
            return f"-{self.number(depth - 1)}"
        if choice == 7:
            return f"length({self.string(depth - 1)})"
        if choice == 8:
            return "(" + self.pick("+-*").join([self.number(0) for _ in range(12)]) + ")"
        return f"(number({self.string(depth - 1)}) or {self.number(depth - 1)})"

    def string(self, depth):
        if depth > 0 and self.chance(50):
            common = self.common(STRING, depth)
            if common is not None:
                return common
        names = self.of_type(STRING)
        if depth <= 0 or self.chance(15):
            if names and self.chance(60):
                return self.pick(names)
            return self.pick(STRINGS)
        if self.chance(60):
            return f"({self.string(depth - 1)} + {self.string(depth - 1)})"
        if self.chance(10):
            return '(input() or "end")'
        shown = self.visible(lambda kind: kind[0] in ("object", "class", "function"))
        if shown and self.chance(30):
            return f"string({self.pick(shown)[0]})"
        return f"string({self.any(depth - 1)})"

    def boolean(self, depth):
        if depth > 0 and self.chance(40):
            common = self.common(BOOLEAN, depth)
            if common is not None:
                return common
        if depth <= 0:
            names = self.of_type(BOOLEAN)
            return self.pick(names) if names and self.chance(60) else self.pick(["true", "false"])
        choice = self.random.randrange(8)
        if choice < 4:
            operator = self.pick(["<", "<=", ">", ">="])
            return f"({self.number(depth - 1)} {operator} {self.number(depth - 1)})"
        if choice < 6:
            return f"({self.any(depth - 1)} {self.pick(['==', '!='])} {self.any(depth - 1)})"
        if choice == 6:
            return f"!{self.pick([self.boolean, self.number, self.string])(depth - 1)}"
        return f"({self.boolean(depth - 1)} or {self.boolean(depth - 1)})"

    def object(self, info, depth):
        names = self.of_type(("object", info))
        classes = self.visible(lambda kind: kind[0] == "class" and kind[1].extends(info))
        if names and (self.chance(50) or not classes):
            return self.pick(names)
        name, (_, chosen) = self.pick(classes)
        return f"{name}{self.arguments(chosen.parameters, depth)}"

    # Statements: each gives a list of lines.

    def statement(self, depth):
        self.statements += 1
        if self.error and self.statements == self.error_at:
            return [self.error]
        makers = [self.print] * 6 + [self.variable] * 4 + [self.assign] * 5 + [self.set_field] * 3
        if depth > 0:
            makers += [self.block, self.branch, self.branch, self.function, self.function]
            makers += [self.maker, self.class_, self.class_, self.hide_method, self.call]
            if self.loops < 2:
                makers += [self.for_loop, self.while_loop]
        if self.result is not None and self.chance(4):
            return [f"if ({self.boolean(1)}) return {self.returned()};"]
        lines = self.pick(makers)(depth)
        return lines if lines else self.print(depth)

    def body(self, depth, count):
        lines = []
        for _ in range(self.random.randrange(1, count + 1)):
            lines += self.statement(depth)
        return lines

    def print(self, _depth):
        kind = self.pick(PLAIN_TYPES)
        return [f"print {self.expression(kind, self.random.randrange(5))};"]

    def variable(self, depth):
        kind = self.pick(PLAIN_TYPES)
        infos = [info for _, (_, info) in self.visible(lambda kind: kind[0] == "class")]
        if infos and self.chance(40):
            kind = ("object", self.pick(infos))
        name = self.new_name(kind)
        if name is None:
            return None
        if len(self.scopes) > 1:
            self.excluded = name
            if not self.can_make(kind):
                self.excluded = None
                return None
        value = capped(self.expression(kind, 2), kind)
        self.excluded = None
        self.declare(name, kind)
        return [f"var {name} = {value};"]

    def can_make(self, kind):
        if kind in PLAIN_TYPES:
            return True
        if kind[0] != "object":
            return bool(self.of_type(kind))
        return bool(self.visible(lambda other: other[0] == "class" and other[1].extends(kind[1])))

    def assign(self, _depth):
        targets = self.visible(lambda kind: kind in PLAIN_TYPES, True)
        if not targets:
            return None
        name, kind = self.pick(targets)
        return [self.assignment(name, kind, 3) + ";"]

    def set_field(self, _depth):
        targets = [(name, info) for name, (_, info) in self.objects()]
        if self.this is not None:
            targets.append(("this", self.this))
        fields = [(f"{name}.{field}", kind) for name, info in targets
                  for field, kind in info.fields.items()]
        if not fields:
            return None
        field, kind = self.pick(fields)
        return [self.assignment(field, kind, 2) + ";"]

    def hide_method(self, _depth):
        """Puts a function into a field of the name of a method."""
        options = []
        for name, (_, info) in self.objects():
            for method, (parameters, result) in info.methods.items():
                for function in self.of_type(("function", parameters, result)):
                    options.append(f"{name}.{method} = {function};")
        return [self.pick(options)] if options else None

    def call(self, _depth):
        functions = self.functions(self.pick(PLAIN_TYPES))
        if not functions:
            return None
        name, (_, parameters, _) = self.pick(functions)
        return [f"{name}{self.arguments(parameters, 2)};"]

    def block(self, depth):
        self.scopes.append({})
        lines = ["{", *self.body(depth - 1, 4), "}"]
        self.scopes.pop()
        return lines

    def branch(self, depth):
        lines = [f"if ({self.boolean(2)})"] + self.block(depth)
        if self.chance(60):
            lines += ["else"] + self.block(depth)
        return lines

    def for_loop(self, depth):
        name = self.unique("i")
        self.loops += 1
        self.scopes.append({name: (NUMBER, False)})
        turns = self.random.randrange(1, 4)
        lines = [f"for (var {name} = 0; {name} < {turns}; {name} = {name} + 1)"] + self.block(depth)
        self.scopes.pop()
        self.loops -= 1
        return lines

    def while_loop(self, depth):
        name = self.unique("w")
        self.loops += 1
        self.scopes.append({name: (NUMBER, False)})
        turns = self.random.randrange(1, 4)
        lines = ["{", f"var {name} = 0;", f"while ({name} < {turns} and {self.boolean(1)}) {{"]
        self.scopes.append({})
        lines += [f"{name} = {name} + 1;", *self.body(depth - 1, 4), "}", "}"]
        self.scopes.pop()
        self.scopes.pop()
        self.loops -= 1
        return lines

    def returned(self):
        return capped(self.expression(self.result, 2), self.result)

    def function_rest(self, parameters, result, depth):
        """Parameters and body."""
        outer = self.loops, self.result, self.excluded
        self.loops, self.result, self.excluded = 1, result, None
        names = self.random.sample(NAMES, len(parameters))
        self.scopes.append({name: (kind, True) for name, kind in zip(names, parameters)})
        lines = [f"({', '.join(names)}) {{",
                 f"if (fuel < 1) return {DEFAULTS[result]};", "fuel = fuel - 1;"]
        lines += self.body(depth - 1, 4) + [f"return {self.returned()};", "}"]
        self.scopes.pop()
        self.loops, self.result, self.excluded = outer
        return lines

    def signature(self):
        parameters = tuple(self.pick(PLAIN_TYPES) for _ in range(self.random.randrange(4)))
        return parameters, self.pick(PLAIN_TYPES)

    def function(self, depth):
        parameters, result = self.signature()
        kind = ("function", parameters, result)
        name = self.new_name(kind)
        if name is None:
            return None
        self.declare(name, kind, False)
        first, *rest = self.function_rest(parameters, result, depth)
        return [f"fun {name}{first}", *rest]

    def maker(self, depth):
        """A function that makes closures over its own variables, called once or twice."""
        parameters, result = self.signature()
        maker, inner = self.unique("make"), self.unique("inner")
        outer = self.loops, self.result
        self.loops, self.result = 1, None
        self.scopes.append({})
        lines = [f"fun {maker}() {{"]
        for _ in range(2):
            lines += self.variable(0) or []
        first, *rest = self.function_rest(parameters, result, depth)
        lines += [f"fun {inner}{first}", *rest, f"return {inner};", "}"]
        self.scopes.pop()
        self.loops, self.result = outer
        for _ in range(self.random.randrange(1, 3)):
            name = self.unique("made")
            lines.append(f"var {name} = {maker}();")
            self.declare(name, ("function", parameters, result), False)
        return lines

    def class_(self, depth):
        if len(self.scopes) > 4:
            return None
        supers = self.visible(lambda kind: kind[0] == "class")
        super_name, superclass = None, None
        if supers and self.chance(60):
            super_name, (_, superclass) = self.pick(supers)
        info = ClassInfo(self.unique("C"), superclass)
        lines = [f"class {info.name} < {super_name} {{" if super_name else f"class {info.name} {{"]
        outer_this, self.this = self.this, info
        lines += self.init(info)
        for name in self.random.sample(METHODS, self.random.randrange(1, 4)):
            # An override keeps the signature.
            parameters, result = info.methods.get(name) or self.signature()
            first, *rest = self.function_rest(parameters, result, depth)
            info.methods[name] = (parameters, result)
            lines += [f"{name}{first}", *rest]
        self.this = outer_this
        self.declare(info.name, ("class", info), False)
        return lines + ["}"]

    def init(self, info):
        own = {name: self.pick(PLAIN_TYPES) for name in FIELDS
               if name not in info.fields and self.chance(60)}
        inherited = info.superclass.parameters if info.superclass else ()
        if not own and info.superclass:
            info.parameters = inherited
            return []
        info.parameters = (*inherited, *own.values())
        names = [f"p{i}" for i in range(len(info.parameters))]
        lines = [f"init({', '.join(names)}) {{"]
        if info.superclass:
            lines.append(f"super.init({', '.join(names[:len(inherited)])});")
        for name, (field, _) in zip(names[len(inherited):], own.items()):
            lines.append(f"this.{field} = {name};")
        info.fields.update(own)
        return lines + ["}"]

    # The program.

    def program(self):
        """The program as a list of texts, each a declaration or statement of the top level."""
        filled = {"number": "1", "string": '"text"', "boolean": "true"}
        error = None
        if self.chance(60):
            errors = COMPILE_ERRORS if self.chance(10) else RUNTIME_ERRORS
            error = self.pick(errors).format(**filled)
        if self.chance(50):  # somewhere inside, where it may never be reached
            self.error, self.error_at = error, self.random.randrange(1, 60)
        chunks = [f"// input: line {i}" for i in range(self.random.randrange(4))] + PRELUDE
        for _ in range(self.random.randrange(10, 25)):
            chunks.append("\n".join(self.statement(3)))
        if error and not self.error_at:
            chunks.insert(self.random.randrange(len(chunks) // 2, len(chunks)), error)
        return chunks


def fits(kind, wanted):
    """Whether a value of type kind can stand where wanted is asked for."""
    if kind[0] == "object" and wanted[0] == "object":
        return kind[1].extends(wanted[1])
    return kind == wanted


def capped(text, kind):
    """What is kept must not grow without end."""
    return f"cap({text})" if kind == STRING and "(" in text else text


def generate(seed):
    return Generator(seed).program()


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: generate.py SEED")
    sys.stdout.write("\n".join(generate(int(sys.argv[1]))) + "\n")


if __name__ == "__main__":
    main()
