#!/usr/bin/env python3
"""tok_oracle - a second opinion on the Tok language.

A plain tree-walking interpreter, written from the language reference alone and sharing nothing
with the VM, so that a mistake in one is unlikely to be in the other. It is slow and has no limits
on memory or time: it is for tests.

    python3 tok_oracle.py FILE       input() reads standard input

Exit status: 0, 65 after a compile error, 70 after a runtime error, 64 for wrong usage. Source,
strings and output are bytes throughout.

How it works: scan() makes tokens; Parser makes a tree in which every local variable is already
resolved to (hops, index); the nodes of the tree evaluate themselves. An environment is a list
whose element 0 is the enclosing environment and whose others are the variables of one scope, in
the order of their declarations. A new one is made each time a scope is entered, which is exactly
what closures are promised.
"""
import math
import re
import sys
import threading
import time

CALL_DEPTH_MAX = 10_000
NESTING_MAX = 1_000
ARGUMENTS_MAX = 255
INIT = b"init"

KEYWORDS = frozenset(
    b"and class else false for fun if nil or print return super this true var while".split())
# Panic after a compile error ends just before one of these, or just after a semicolon.
RESUME_AT = frozenset(b"class fun var for if while print return".split())

BLANKS = rb"[ \t\r\n]*"
NUMBER = rb"[0-9]+(?:\.[0-9]+)?"
TOKEN = re.compile(
    rb"(?P<skip>[ \t\r\n]+|//[^\n]*)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>" + NUMBER + rb")"
    rb'|(?P<string>"[^"]*")|(?P<punctuation>[!=<>]=|[-+*/(){};,.<>=!])|(?P<bad>.)', re.DOTALL)
NUMBER_STRING = re.compile(BLANKS + rb"(-?" + NUMBER + rb")" + BLANKS)


# ---------------------------------------------------------------------------------------- scanner

class Token:
    """kind: 'name', 'number', 'string', 'end', 'error', or the keyword or punctuation itself."""
    __slots__ = ("kind", "text", "line", "message")

    def __init__(self, kind, text, line, message=""):
        self.kind, self.text, self.line, self.message = kind, text, line, message


def scan(source):
    tokens, line, position = [], 1, 0
    while position < len(source):
        match = TOKEN.match(source, position)
        text, kind = match.group(), match.lastgroup
        position = match.end()
        if kind == "bad":
            if text == b'"':
                text += source[position:]
                position = len(source)
                tokens.append(Token("error", text, line, "Unterminated string."))
            else:
                tokens.append(Token("error", text, line, "Unexpected character."))
        elif kind == "punctuation" or text in KEYWORDS:
            tokens.append(Token(text, text, line))
        elif kind != "skip":
            tokens.append(Token(kind, text, line))
        line += text.count(b"\n")
    tokens.append(Token("end", b"", line))
    return tokens


# ----------------------------------------------------------------------------------------- values
# nil is None, booleans are bool, numbers float, strings bytes; the rest are these classes.

class Function:
    __slots__ = ("proto", "env")

    def __init__(self, proto, env):
        self.proto, self.env = proto, env


class BoundMethod:
    __slots__ = ("receiver", "function")

    def __init__(self, receiver, function):
        self.receiver, self.function = receiver, function


class Native:
    __slots__ = ("arity", "code")

    def __init__(self, arity, code):
        self.arity, self.code = arity, code


class Class:
    __slots__ = ("name", "superclass", "methods")

    def __init__(self, name, superclass, methods):
        self.name, self.superclass, self.methods = name, superclass, methods

    def find(self, name):
        cls = self
        while cls is not None:
            if name in cls.methods:
                return cls.methods[name]
            cls = cls.superclass
        return None


class Instance:
    __slots__ = ("cls", "fields")

    def __init__(self, cls):
        self.cls, self.fields = cls, {}


def truthy(value):
    return value is not None and value is not False


def equal(a, b):
    return type(a) is type(b) and a == b


def show(value):
    """The bytes that `print` shows."""
    if value is None:
        return b"nil"
    if value is True:
        return b"true"
    if value is False:
        return b"false"
    if isinstance(value, float):
        return b"nan" if value != value else b"%g" % value
    if isinstance(value, bytes):
        return value
    if isinstance(value, Function):
        return b"<fn %s>" % value.proto.name
    if isinstance(value, BoundMethod):
        return b"<fn %s>" % value.function.proto.name
    if isinstance(value, Native):
        return b"<native fn>"
    if isinstance(value, Class):
        return value.name
    return b"%s instance" % value.cls.name


# ---------------------------------------------------------------------------------------- runtime

class TokRuntimeError(Exception):
    def __init__(self, message, line):
        super().__init__(message)
        self.message, self.line = message, line


class NativeError(Exception):
    """Raised by a native, which does not know its line."""


class Runtime:
    """Globals, the call stack, input and output of one program."""

    def __init__(self, stdin, stdout):
        self.stdin, self.stdout = stdin, stdout
        self.calls = []  # (callee's name, line of the call), outermost first
        self.globals = {
            b"clock": Native(0, time.process_time),
            b"input": Native(0, self.input),
            b"number": Native(1, native_number),
            b"string": Native(1, show),
            b"length": Native(1, native_length),
        }

    def input(self):
        line = self.stdin.readline()
        if not line:
            return None
        if line.endswith(b"\r\n"):
            return line[:-2]
        return line[:-1] if line.endswith(b"\n") else line

    def call(self, callee, arguments, line):
        if isinstance(callee, Function):
            return self.call_function(callee, callee.env, arguments, line)
        if isinstance(callee, BoundMethod):
            return self.call_method(callee.receiver, callee.function, arguments, line)
        if isinstance(callee, Class):
            instance = Instance(callee)
            init = callee.find(INIT)
            if init is None:
                check_arity(0, arguments, line)
                return instance
            return self.call_method(instance, init, arguments, line)
        if isinstance(callee, Native):
            check_arity(callee.arity, arguments, line)
            try:
                return callee.code(*arguments)
            except NativeError as error:
                raise TokRuntimeError(str(error), line) from None
        raise TokRuntimeError("Can only call functions and classes.", line)

    def call_method(self, receiver, function, arguments, line):
        env = [function.env, receiver]
        result = self.call_function(function, env, arguments, line)
        return receiver if function.proto.is_init else result

    def call_function(self, function, env, arguments, line):
        proto = function.proto
        check_arity(proto.arity, arguments, line)
        if len(self.calls) >= CALL_DEPTH_MAX:
            raise TokRuntimeError("Stack overflow.", line)
        self.calls.append((proto.name, line))
        env = [env, *arguments]
        for statement in proto.body:
            returned = statement.run(self, env)
            if returned is not None:
                break
        else:
            returned = (None,)
        self.calls.pop()
        return returned[0]

    def trace(self, line):
        """The stack lines of an error at `line`, innermost first."""
        for name, call_line in reversed(self.calls):
            yield b"[line %d] in %s()" % (line, name)
            line = call_line
        yield b"[line %d] in script" % line


def check_arity(arity, arguments, line):
    if arity != len(arguments):
        raise TokRuntimeError(f"Expected {arity} arguments but got {len(arguments)}.", line)


def native_number(value):
    if not isinstance(value, bytes):
        raise NativeError("number() takes a string.")
    match = NUMBER_STRING.fullmatch(value)
    return float(match.group(1)) if match else None


def native_length(value):
    if not isinstance(value, bytes):
        raise NativeError("length() takes a string.")
    return float(len(value))


def read_property(value, name, line):
    if not isinstance(value, Instance):
        raise TokRuntimeError("Only instances have properties.", line)
    if name in value.fields:
        return value.fields[name]
    method = value.cls.find(name)
    if method is None:
        raise TokRuntimeError(f"Undefined property '{name.decode('latin-1')}'.", line)
    return BoundMethod(value, method)


def divide(a, b):
    if b != 0:
        return a / b
    if a == 0 or a != a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)


ARITHMETIC = {
    b"-": lambda a, b: a - b,
    b"*": lambda a, b: a * b,
    b"/": divide,
    b"<": lambda a, b: a < b,
    b"<=": lambda a, b: a <= b,
    b">": lambda a, b: a > b,
    b">=": lambda a, b: a >= b,
}


def apply_operator(operator, a, b, line):
    if operator == b"==":
        return equal(a, b)
    if operator == b"!=":
        return not equal(a, b)
    numbers = isinstance(a, float) and isinstance(b, float)
    if operator == b"+":
        if numbers or (isinstance(a, bytes) and isinstance(b, bytes)):
            return a + b
        raise TokRuntimeError("Operands must be two numbers or two strings.", line)
    if not numbers:
        raise TokRuntimeError("Operands must be numbers.", line)
    return ARITHMETIC[operator](a, b)


# ------------------------------------------------------------------------------------ expressions
# value(rt, env) gives the value of an expression. What the source may chain without end (a+b+…,
# a.b.c…, f()()…, else-if) is one node with a list, so that it needs no recursion.

class Literal:
    def __init__(self, constant):
        self.constant = constant

    def value(self, _rt, _env):
        return self.constant


class Group:
    """Parentheses: only there so that `(a) = 1` is no assignment and `(o.m)()` no method call."""

    def __init__(self, inner):
        self.inner = inner

    def value(self, rt, env):
        return self.inner.value(rt, env)


class Global:
    def __init__(self, token):
        self.name, self.line = token.text, token.line

    def value(self, rt, _env):
        if self.name not in rt.globals:
            raise undefined_variable(self)
        return rt.globals[self.name]

    def assign(self, rt, _env, value):
        if self.name not in rt.globals:
            raise undefined_variable(self)
        rt.globals[self.name] = value


def undefined_variable(node):
    return TokRuntimeError(f"Undefined variable '{node.name.decode('latin-1')}'.", node.line)


class Local:
    def __init__(self, hops, index):
        self.hops, self.index = hops, index

    def value(self, _rt, env):
        for _ in range(self.hops):
            env = env[0]
        return env[self.index]

    def assign(self, _rt, env, value):
        for _ in range(self.hops):
            env = env[0]
        env[self.index] = value


class Assign:
    def __init__(self, target, expression):
        self.target, self.expression = target, expression

    def value(self, rt, env):
        value = self.expression.value(rt, env)
        self.target.assign(rt, env, value)
        return value


class AssignProperty:
    def __init__(self, target, name, expression):
        self.target, self.name, self.expression = target, name, expression

    def value(self, rt, env):
        target = self.target.value(rt, env)
        value = self.expression.value(rt, env)
        if not isinstance(target, Instance):
            raise TokRuntimeError("Only instances have fields.", self.name.line)
        target.fields[self.name.text] = value
        return value


class Logical:
    def __init__(self, stops_at, operands):
        self.stops_at, self.operands = stops_at, operands  # True for `or`, False for `and`

    def value(self, rt, env):
        for operand in self.operands:
            value = operand.value(rt, env)
            if truthy(value) is self.stops_at:
                break
        return value


class Binary:
    def __init__(self, first, rest):
        self.first, self.rest = first, rest  # rest: (operator token, operand)…

    def value(self, rt, env):
        left = self.first.value(rt, env)
        for operator, operand in self.rest:
            right = operand.value(rt, env)
            left = apply_operator(operator.text, left, right, operator.line)
        return left


class Unary:
    def __init__(self, operator, operand):
        self.operator, self.operand = operator, operand

    def value(self, rt, env):
        value = self.operand.value(rt, env)
        if self.operator.text == b"!":
            return not truthy(value)
        if not isinstance(value, float):
            raise TokRuntimeError("Operand must be a number.", self.operator.line)
        return -value


class Super:
    """`super.NAME`: a value by itself, the first step of a Postfix when it is called."""

    def __init__(self, superclass, this, name):
        self.superclass, self.this, self.name = superclass, this, name

    def value(self, rt, env):
        name = self.name
        method = self.superclass.value(rt, env).find(name.text)
        if method is None:
            raise TokRuntimeError(f"Undefined property '{name.text.decode('latin-1')}'.", name.line)
        return BoundMethod(self.this.value(rt, env), method)


class Postfix:
    """A primary followed by calls and property reads."""

    def __init__(self, first):
        self.first, self.steps = first, []

    def value(self, rt, env):
        value = self.first.value(rt, env)
        for step in self.steps:
            value = step.take(rt, env, value)
        return value


class CallStep:
    def __init__(self, arguments, line):
        self.arguments, self.line = arguments, line

    def take(self, rt, env, callee):
        arguments = []
        for argument in self.arguments:
            arguments.append(argument.value(rt, env))
        return rt.call(callee, arguments, self.line)


class PropertyStep:
    def __init__(self, name):
        self.name = name

    def take(self, _rt, _env, target):
        return read_property(target, self.name.text, self.name.line)


class MethodStep:
    """`.NAME(arguments)`: the name is looked up after the arguments are evaluated."""

    def __init__(self, name, arguments, line):
        self.name, self.arguments, self.line = name, arguments, line

    def take(self, rt, env, target):
        arguments = []
        for argument in self.arguments:
            arguments.append(argument.value(rt, env))
        callee = read_property(target, self.name.text, self.name.line)
        return rt.call(callee, arguments, self.line)


# ------------------------------------------------------------------------------------- statements
# run(rt, env) gives None, or a tuple of one value when a `return` was met.

class Expression:
    def __init__(self, expression):
        self.expression = expression

    def run(self, rt, env):
        self.expression.value(rt, env)


class Print:
    def __init__(self, expression):
        self.expression = expression

    def run(self, rt, env):
        rt.stdout.write(show(self.expression.value(rt, env)) + b"\n")


class Declare:
    """Any declaration: `make` gives the value."""

    def __init__(self, name, is_global, expression):
        self.name, self.is_global, self.expression = name, is_global, expression

    def run(self, rt, env):
        value = self.expression.value(rt, env)
        if self.is_global:
            rt.globals[self.name] = value
        else:
            env.append(value)


class Proto:
    """A function's code. As an expression it makes the closure."""

    def __init__(self, name, is_init):
        self.name, self.is_init = name, is_init
        self.arity, self.body = 0, []

    def value(self, _rt, env):
        return Function(self, env)


class DeclareFunction(Declare):
    """A local function sees itself: nothing runs between making and naming it."""


class DeclareClass:
    def __init__(self, name, is_global):
        self.name, self.is_global = name, is_global
        self.superclass, self.superclass_name, self.methods = None, None, []

    def run(self, rt, env):
        superclass, method_env = None, env
        if not self.is_global:
            env.append(None)
            index = len(env) - 1
        if self.superclass is not None:
            superclass = self.superclass.value(rt, env)
            if not isinstance(superclass, Class):
                raise TokRuntimeError("Superclass must be a class.", self.superclass_name.line)
            method_env = [env, superclass]
        methods = {proto.name: Function(proto, method_env) for proto in self.methods}
        cls = Class(self.name, superclass, methods)
        if self.is_global:
            rt.globals[self.name] = cls
        else:
            env[index] = cls


class Block:
    def __init__(self, statements):
        self.statements = statements

    def run(self, rt, env):
        env = [env]
        for statement in self.statements:
            returned = statement.run(rt, env)
            if returned is not None:
                return returned
        return None


class If:
    def __init__(self):
        self.arms, self.otherwise = [], None  # arms: (condition, statement)…

    def run(self, rt, env):
        for condition, statement in self.arms:
            if truthy(condition.value(rt, env)):
                return statement.run(rt, env)
        return self.otherwise.run(rt, env) if self.otherwise is not None else None


class Loop:
    """`while` and `for`; a `for` has its own scope around it, which holds its variable."""

    def __init__(self, has_scope, first, condition, step, body):
        self.has_scope, self.first, self.condition = has_scope, first, condition
        self.step, self.body = step, body

    def run(self, rt, env):
        if self.has_scope:
            env = [env]
        if self.first is not None:
            self.first.run(rt, env)
        while self.condition is None or truthy(self.condition.value(rt, env)):
            returned = self.body.run(rt, env)
            if returned is not None:
                return returned
            if self.step is not None:
                self.step.value(rt, env)
        return None


class Return:
    def __init__(self, expression):
        self.expression = expression

    def run(self, rt, env):
        return (self.expression.value(rt, env) if self.expression is not None else None,)


# ----------------------------------------------------------------------------------------- parser

class Scope:
    """The names of one local scope, known while parsing; mirrors one environment of the run."""

    def __init__(self, parent):
        self.parent, self.indexes, self.in_initializer = parent, {}, None


class GiveUp(Exception):
    """Nested too deep to go on."""


class Parser:
    def __init__(self, source):
        self.tokens, self.position = scan(source), -1
        self.current = self.previous = None
        self.panic, self.errors = False, []  # errors: finished lines of text
        self.scope = None                    # None: global
        self.function = None                 # the Proto being parsed; None: top level
        self.classes = []                    # classes around: has it a superclass?
        self.nesting = 0

    def parse(self):
        statements = []
        try:
            self.advance()
            while not self.match("end"):
                statements.append(self.declaration())
        except GiveUp:
            pass
        return statements

    # Tokens and errors.

    def advance(self):
        self.previous = self.current
        while True:
            if self.position + 1 < len(self.tokens):
                self.position += 1
            self.current = self.tokens[self.position]
            if self.current.kind != "error":
                return
            self.error_at(self.current, self.current.message)

    def check(self, kind):
        return self.current.kind == kind

    def match(self, kind):
        if not self.check(kind):
            return False
        self.advance()
        return True

    def consume(self, kind, message):
        if self.check(kind):
            self.advance()
        else:
            self.error_at(self.current, message)

    def consume_name(self, message):
        self.consume("name", message)
        return self.previous

    def error_at(self, token, message):
        if self.panic:
            return
        self.panic = True
        where = b""
        if token.kind == "end":
            where = b" at end"
        elif token.kind != "error":
            where = b" at '%s'" % token.text
        self.errors.append(b"[line %d] Error%s: %s" % (token.line, where, message.encode()))

    def error(self, message):
        self.error_at(self.previous, message)

    def resume(self):
        """Ends the panic: after a semicolon or before a word that begins a statement."""
        self.panic = False
        while not self.check("end"):
            if self.previous.kind == b";" or self.current.kind in RESUME_AT:
                return
            self.advance()

    def enter(self):
        self.nesting += 1
        if self.nesting > NESTING_MAX:
            self.error_at(self.current, "Nesting too deep.")
            raise GiveUp

    def leave(self):
        self.nesting -= 1

    # Scopes.

    def declare(self, name):
        """A name in the scope of now; it may be used at once."""
        if self.scope is None:
            return
        if name.text in self.scope.indexes:
            self.error_at(name, "Already a variable with this name in this scope.")
        self.scope.indexes[name.text] = len(self.scope.indexes) + 1

    def resolve(self, token):
        hops, scope = 0, self.scope
        while scope is not None:
            if token.text in scope.indexes:
                if scope.in_initializer == token.text:
                    self.error_at(token, "Can't read local variable in its own initializer.")
                return Local(hops, scope.indexes[token.text])
            hops, scope = hops + 1, scope.parent
        return Global(token)

    def push_scope(self, *names):
        self.scope = Scope(self.scope)
        for name in names:
            self.scope.indexes[name] = len(self.scope.indexes) + 1

    def pop_scope(self):
        self.scope = self.scope.parent

    # Declarations.

    def declaration(self):
        if self.match(b"class"):
            node = self.class_declaration()
        elif self.match(b"fun"):
            node = self.function_declaration()
        elif self.match(b"var"):
            node = self.var_declaration()
        else:
            node = self.statement()
        if self.panic:
            self.resume()
        return node

    def class_declaration(self):
        name = self.consume_name("Expect class name.")
        self.declare(name)
        node = DeclareClass(name.text, self.scope is None)
        if self.match(b"<"):
            node.superclass_name = self.consume_name("Expect superclass name.")
            if node.superclass_name.text == name.text:
                self.error("A class can't inherit from itself.")
            node.superclass = self.resolve(node.superclass_name)
            self.push_scope(b"super")
        self.classes.append(node.superclass is not None)
        self.consume(b"{", "Expect '{' before class body.")
        while not self.check(b"}") and not self.check("end"):
            method = self.consume_name("Expect method name.")
            self.push_scope(b"this")
            node.methods.append(self.function_rest(method, method.text == INIT))
            self.pop_scope()
        self.consume(b"}", "Expect '}' after class body.")
        self.classes.pop()
        if node.superclass is not None:
            self.pop_scope()
        return node

    def function_declaration(self):
        name = self.consume_name("Expect function name.")
        self.declare(name)
        is_global = self.scope is None
        return DeclareFunction(name.text, is_global, self.function_rest(name, False))

    def function_rest(self, name, is_init):
        proto, enclosing = Proto(name.text, is_init), self.function
        self.function = proto
        self.enter()
        self.push_scope()
        self.consume(b"(", "Expect '(' after function name.")
        if not self.check(b")"):
            while True:
                proto.arity += 1
                if proto.arity > ARGUMENTS_MAX:
                    self.error_at(self.current, "Can't have more than 255 parameters.")
                self.declare(self.consume_name("Expect parameter name."))
                if not self.match(b","):
                    break
        self.consume(b")", "Expect ')' after parameters.")
        self.consume(b"{", "Expect '{' before function body.")
        proto.body = self.block_rest()
        self.pop_scope()
        self.leave()
        self.function = enclosing
        return proto

    def var_declaration(self):
        name = self.consume_name("Expect variable name.")
        self.declare(name)
        initializer = Literal(None)
        if self.match(b"="):
            if self.scope is not None:
                self.scope.in_initializer = name.text
            initializer = self.expression()
            if self.scope is not None:
                self.scope.in_initializer = None
        self.consume(b";", "Expect ';' after variable declaration.")
        return Declare(name.text, self.scope is None, initializer)

    # Statements.

    def statement(self):
        self.enter()
        if self.match(b"print"):
            node = Print(self.expression())
            self.consume(b";", "Expect ';' after value.")
        elif self.match(b"return"):
            node = self.return_statement()
        elif self.match(b"{"):
            self.push_scope()
            node = Block(self.block_rest())
            self.pop_scope()
        elif self.match(b"if"):
            node = self.if_statement()
        elif self.match(b"while"):
            self.consume(b"(", "Expect '(' after 'while'.")
            condition = self.expression()
            self.consume(b")", "Expect ')' after condition.")
            node = Loop(False, None, condition, None, self.statement())
        elif self.match(b"for"):
            node = self.for_statement()
        else:
            node = self.expression_statement()
        self.leave()
        return node

    def block_rest(self):
        statements = []
        while not self.check(b"}") and not self.check("end"):
            statements.append(self.declaration())
        self.consume(b"}", "Expect '}' after block.")
        return statements

    def return_statement(self):
        if self.function is None:
            self.error("Can't return from top-level code.")
        if self.match(b";"):
            return Return(None)
        if self.function is not None and self.function.is_init:
            self.error("Can't return a value from an initializer.")
        node = Return(self.expression())
        self.consume(b";", "Expect ';' after return value.")
        return node

    def if_statement(self):
        node = If()
        while True:
            self.consume(b"(", "Expect '(' after 'if'.")
            condition = self.expression()
            self.consume(b")", "Expect ')' after condition.")
            node.arms.append((condition, self.statement()))
            if not self.match(b"else"):
                return node
            if not self.match(b"if"):
                node.otherwise = self.statement()
                return node

    def for_statement(self):
        self.push_scope()
        self.consume(b"(", "Expect '(' after 'for'.")
        first = condition = step = None
        if self.match(b"var"):
            first = self.var_declaration()
        elif not self.match(b";"):
            first = self.expression_statement()
        if not self.match(b";"):
            condition = self.expression()
            self.consume(b";", "Expect ';' after loop condition.")
        if not self.match(b")"):
            step = self.expression()
            self.consume(b")", "Expect ')' after for clauses.")
        node = Loop(True, first, condition, step, self.statement())
        self.pop_scope()
        return node

    def expression_statement(self):
        node = Expression(self.expression())
        self.consume(b";", "Expect ';' after expression.")
        return node

    # Expressions, loosest first.

    def expression(self):
        self.enter()
        node = self.logical_or()
        if self.match(b"="):
            node = self.assignment_rest(node)
        self.leave()
        return node

    def assignment_rest(self, target):
        is_property = isinstance(target, Postfix) and isinstance(target.steps[-1], PropertyStep)
        if not is_property and not isinstance(target, (Local, Global)):
            self.error("Invalid assignment target.")
        value = self.expression()
        if not is_property:
            return Assign(target, value)
        name = target.steps.pop().name
        return AssignProperty(target, name, value)

    def logical_or(self):
        operands = [self.logical_and()]
        while self.match(b"or"):
            operands.append(self.logical_and())
        return Logical(True, operands) if len(operands) > 1 else operands[0]

    def logical_and(self):
        operands = [self.equality()]
        while self.match(b"and"):
            operands.append(self.equality())
        return Logical(False, operands) if len(operands) > 1 else operands[0]

    def binary(self, operators, operand):
        first, rest = operand(), []
        while self.current.kind in operators:
            self.advance()
            operator = self.previous
            rest.append((operator, operand()))
        return Binary(first, rest) if rest else first

    def equality(self):
        return self.binary((b"!=", b"=="), self.comparison)

    def comparison(self):
        return self.binary((b">", b">=", b"<", b"<="), self.term)

    def term(self):
        return self.binary((b"-", b"+"), self.factor)

    def factor(self):
        return self.binary((b"/", b"*"), self.unary)

    def unary(self):
        if not self.check(b"!") and not self.check(b"-"):
            return self.call()
        self.enter()
        self.advance()
        operator = self.previous
        node = Unary(operator, self.unary())
        self.leave()
        return node

    def call(self):
        node = Postfix(self.primary())
        while True:
            if self.match(b"("):
                arguments = self.arguments()
                node.steps.append(CallStep(arguments, self.previous.line))
            elif self.match(b"."):
                name = self.consume_name("Expect property name after '.'.")
                if self.match(b"("):
                    arguments = self.arguments()
                    node.steps.append(MethodStep(name, arguments, self.previous.line))
                else:
                    node.steps.append(PropertyStep(name))
            else:
                return node if node.steps else node.first

    def arguments(self):
        arguments = []
        if not self.check(b")"):
            while True:
                arguments.append(self.expression())
                if len(arguments) > ARGUMENTS_MAX:
                    self.error("Can't have more than 255 arguments.")
                if not self.match(b","):
                    break
        self.consume(b")", "Expect ')' after arguments.")
        return arguments

    def primary(self):
        self.advance()
        token = self.previous
        if token.kind == "name":
            return self.resolve(token)
        if token.kind == "number":
            return Literal(float(token.text))
        if token.kind == "string":
            return Literal(token.text[1:-1])
        if token.kind in (b"true", b"false", b"nil"):
            return Literal({b"true": True, b"false": False, b"nil": None}[token.text])
        if token.kind == b"(":
            node = Group(self.expression())
            self.consume(b")", "Expect ')' after expression.")
            return node
        if token.kind == b"this":
            if not self.classes:
                self.error("Can't use 'this' outside of a class.")
            return Group(self.resolve(token))
        if token.kind == b"super":
            return self.super_rest(token)
        self.error("Expect expression.")
        return Literal(None)

    def super_rest(self, token):
        if not self.classes:
            self.error("Can't use 'super' outside of a class.")
        elif not self.classes[-1]:
            self.error("Can't use 'super' in a class with no superclass.")
        self.consume(b".", "Expect '.' after 'super'.")
        name = self.consume_name("Expect superclass method name.")
        this = Token("name", b"this", token.line)
        return Super(self.resolve(token), self.resolve(this), name)


# ------------------------------------------------------------------------------------------- main

def run(source, stdin, stdout, stderr):
    """Runs a program given as bytes; the streams are binary. Gives the exit status."""
    parser = Parser(source)
    statements = parser.parse()
    if parser.errors:
        stderr.write(b"".join(error + b"\n" for error in parser.errors))
        return 65
    rt = Runtime(stdin, stdout)
    try:
        for statement in statements:
            statement.run(rt, None)
    except TokRuntimeError as error:
        stdout.flush()
        stderr.write(error.message.encode("latin-1") + b"\n")
        stderr.write(b"".join(line + b"\n" for line in rt.trace(error.line)))
        return 70
    return 0


def run_with_big_stack(source, stdin, stdout, stderr):
    """run() in a thread whose stack holds deep recursion of the program."""
    result = []
    sys.setrecursionlimit(10_000_000)
    threading.stack_size(512 << 20)
    thread = threading.Thread(target=lambda: result.append(run(source, stdin, stdout, stderr)))
    thread.start()
    thread.join()
    return result[0] if result else 1


def main():
    if len(sys.argv) != 2:
        sys.stderr.write("usage: tok_oracle.py FILE\n")
        return 64
    with open(sys.argv[1], "rb") as file:
        source = file.read()
    status = run_with_big_stack(source, sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer)
    sys.stdout.buffer.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
