#!/usr/bin/env python3
"""tok_oracle - a second opinion on the Tok language.

A plain tree-walking interpreter, written from the language reference alone and sharing nothing
with the VM, so that a mistake in one is unlikely to be in the other. It is slow and has no limits
on memory or time: it is for tests.

    python3 tok_oracle.py FILE       input() reads standard input

Exit status: 0, 65 after a compile error, 70 after a runtime error, 1 for wrong usage. Source,
strings and output are bytes throughout.

How it works: scan() makes tokens; Parser makes a tree in which every local variable is already
resolved to (hops, index); Interpreter runs the tree. An environment is a list whose element 0 is
the enclosing environment and whose others are the variables of one scope, in the order of their
declarations. A new one is made each time a scope is entered: just what closures are promised.
"""
import contextlib
import math
import operator
import re
import sys
import threading
import time

CALL_DEPTH_MAX = 2_000
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

    def __init__(self, kind, text, line, message=""):
        self.kind, self.text, self.line, self.message = kind, text, line, message


def scan(source):
    tokens, line, position = [], 1, 0
    while position < len(source):
        match = TOKEN.match(source, position)
        text, kind = match.group(), match.lastgroup
        position = match.end()
        if text == b'"':
            text, position = source[match.start():], len(source)
            tokens.append(Token("error", text, line, "Unterminated string."))
        elif kind == "bad":
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
    def __init__(self, proto, env):
        self.proto, self.env = proto, env


class BoundMethod:
    def __init__(self, receiver, function):
        self.receiver, self.function, self.proto = receiver, function, function.proto


class Native:
    def __init__(self, arity, code, takes=object):
        self.arity, self.code, self.takes = arity, code, takes


class Class:
    def __init__(self, name, superclass, methods):
        self.name, self.superclass, self.methods = name, superclass, methods

    def find(self, name):
        cls = self
        while cls is not None and name not in cls.methods:
            cls = cls.superclass
        return cls.methods[name] if cls is not None else None


class Instance:
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
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, float):
        return b"nan" if value != value else b"%g" % value
    if isinstance(value, bytes):
        return value
    if isinstance(value, (Function, BoundMethod)):
        return b"<fn %s>" % value.proto.name
    if isinstance(value, Native):
        return b"<native fn>"
    return value.name if isinstance(value, Class) else b"%s instance" % value.cls.name


# -------------------------------------------------------------------------------------- operators
class TokRuntimeError(Exception):
    """Arguments: the message, and the line it happened at."""


def divide(a, b):
    if b != 0:
        return a / b
    if a == 0 or a != a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1, b)  # b may be -0


NUMERIC = {b"-": operator.sub, b"*": operator.mul, b"/": divide, b"<": operator.lt,
           b"<=": operator.le, b">": operator.gt, b">=": operator.ge}


def apply_binary(token, a, b):
    if token.kind in (b"==", b"!="):
        return equal(a, b) is (token.kind == b"==")
    numbers = isinstance(a, float) and isinstance(b, float)
    if token.kind == b"+":
        if numbers or (isinstance(a, bytes) and isinstance(b, bytes)):
            return a + b
        raise TokRuntimeError("Operands must be two numbers or two strings.", token.line)
    if not numbers:
        raise TokRuntimeError("Operands must be numbers.", token.line)
    return NUMERIC[token.kind](a, b)


def read_property(target, name):
    if not isinstance(target, Instance):
        raise TokRuntimeError("Only instances have properties.", name.line)
    if name.text in target.fields:
        return target.fields[name.text]
    return BoundMethod(target, find_method(target.cls, name))


def find_method(cls, name):
    method = cls.find(name.text)
    if method is None:
        raise TokRuntimeError(f"Undefined property '{name.text.decode()}'.", name.line)
    return method


def native_number(value):
    match = NUMBER_STRING.fullmatch(value)
    return float(match.group(1)) if match else None


def check_arity(arity, arguments, line):
    if arity != len(arguments):
        raise TokRuntimeError(f"Expected {arity} arguments but got {len(arguments)}.", line)


# ------------------------------------------------------------------------------------ interpreter
class Interpreter:
    """Runs a tree. A node is a tuple: the method below that runs it, then its parts.

    The method of an expression gives its value; that of a statement gives None, or a tuple of one
    value when a `return` was met. What may be chained without end (a+b+c, a.b.c, f()(), else-if)
    is one node with a list, so that it needs no recursion.
    """

    def __init__(self, stdin, stdout):
        self.stdin, self.stdout = stdin, stdout
        self.calls = []  # (callee's name, line of the call), outermost first
        self.globals = {
            b"clock": Native(0, time.process_time),
            b"input": Native(0, self.native_input),
            b"number": Native(1, native_number, bytes),
            b"string": Native(1, show),
            b"length": Native(1, lambda value: float(len(value)), bytes),
        }

    def run(self, env, node):
        return node[0](self, env, *node[1:])

    def run_all(self, env, statements):
        for statement in statements:
            returned = self.run(env, statement)
            if returned is not None:
                return returned
        return None

    def trace(self, line):
        """The stack lines of an error at `line`, innermost first."""
        for name, call_line in reversed(self.calls):
            yield b"[line %d] in %s()\n" % (line, name)
            line = call_line
        yield b"[line %d] in script\n" % line

    def native_input(self):
        line = self.stdin.readline()
        if line.endswith(b"\r\n"):
            return line[:-2]
        return (line[:-1] if line.endswith(b"\n") else line) if line else None

    # Calls.

    def call(self, callee, arguments, line):
        if isinstance(callee, Function):
            return self.call_function(callee, callee.env, arguments, line)
        if isinstance(callee, BoundMethod):
            return self.call_method(callee.receiver, callee.function, arguments, line)
        if isinstance(callee, Class):
            instance, init = Instance(callee), callee.find(INIT)
            if init is not None:
                return self.call_method(instance, init, arguments, line)
            check_arity(0, arguments, line)
            return instance
        if not isinstance(callee, Native):
            raise TokRuntimeError("Can only call functions and classes.", line)
        check_arity(callee.arity, arguments, line)
        if not all(isinstance(argument, callee.takes) for argument in arguments):
            raise TokRuntimeError("Argument must be a string.", line)
        return callee.code(*arguments)

    def call_method(self, receiver, function, arguments, line):
        result = self.call_function(function, [function.env, receiver], arguments, line)
        return receiver if function.proto.is_init else result

    def call_function(self, function, env, arguments, line):
        check_arity(function.proto.arity, arguments, line)
        if len(self.calls) >= CALL_DEPTH_MAX:
            raise TokRuntimeError("Stack overflow.", line)
        self.calls.append((function.proto.name, line))
        returned = self.run_all([env, *arguments], function.proto.body)
        self.calls.pop()
        return returned[0] if returned is not None else None

    # Expressions.

    def literal(self, _env, constant):
        return constant

    def read_global(self, _env, name):
        self.check_global(name)
        return self.globals[name.text]

    def check_global(self, name):
        if name.text not in self.globals:
            raise TokRuntimeError(f"Undefined variable '{name.text.decode()}'.", name.line)

    def read_local(self, env, hops, index):
        return self.outer(env, hops)[index]

    def outer(self, env, hops):
        for _ in range(hops):
            env = env[0]
        return env

    def assign_global(self, env, name, expression):
        value = self.run(env, expression)
        self.check_global(name)
        self.globals[name.text] = value
        return value

    def assign_local(self, env, hops, index, expression):
        value = self.run(env, expression)
        self.outer(env, hops)[index] = value
        return value

    def assign_property(self, env, target, name, expression):
        target = self.run(env, target)
        value = self.run(env, expression)
        if not isinstance(target, Instance):
            raise TokRuntimeError("Only instances have fields.", name.line)
        target.fields[name.text] = value
        return value

    def logical(self, env, stops_at, operands):  # stops_at: True for `or`, False for `and`
        for operand in operands:
            value = self.run(env, operand)
            if truthy(value) is stops_at:
                break
        return value

    def binary(self, env, first, rest):
        value = self.run(env, first)
        for token, operand in rest:
            value = apply_binary(token, value, self.run(env, operand))
        return value

    def unary(self, env, token, operand):
        value = self.run(env, operand)
        if token.kind == b"!":
            return not truthy(value)
        if not isinstance(value, float):
            raise TokRuntimeError("Operand must be a number.", token.line)
        return -value

    def super_method(self, env, superclass, this, name):
        method = find_method(self.run(env, superclass), name)
        return BoundMethod(self.run(env, this), method)

    def postfix(self, env, first, steps):
        """A primary, then steps (name or None, arguments or None, line of the `)`)."""
        value = self.run(env, first)
        for name, arguments, line in steps:
            if arguments is not None:
                arguments = [self.run(env, argument) for argument in arguments]
            if name is not None:  # looked up after the arguments
                value = read_property(value, name)
            if arguments is not None:
                value = self.call(value, arguments, line)
        return value

    # Statements.

    def expression(self, env, expression):
        self.run(env, expression)

    def print(self, env, expression):
        self.stdout.write(show(self.run(env, expression)) + b"\n")

    def declare_global(self, env, name, expression):
        self.globals[name] = self.run(env, expression)

    def declare_local(self, env, expression):
        env.append(self.run(env, expression))

    def closure(self, env, proto):
        return Function(proto, env)

    def new_class(self, env, name, superclass, superclass_name, methods):
        if superclass is not None:
            superclass = self.run(env, superclass)
            if not isinstance(superclass, Class):
                raise TokRuntimeError("Superclass must be a class.", superclass_name.line)
            env = [env, superclass]
        return Class(name, superclass, {proto.name: Function(proto, env) for proto in methods})

    def block(self, env, statements):
        return self.run_all([env], statements)

    def branch(self, env, arms, otherwise):
        for condition, statement in arms:
            if truthy(self.run(env, condition)):
                return self.run(env, statement)
        return self.run(env, otherwise) if otherwise is not None else None

    def loop(self, env, condition, step, body):
        while truthy(self.run(env, condition)):
            returned = self.run(env, body)
            if returned is not None:
                return returned
            if step is not None:
                self.run(env, step)
        return None

    def give_back(self, env, expression):
        return (self.run(env, expression),)


# ----------------------------------------------------------------------------------------- parser
class Proto:  # a function's code
    def __init__(self, name, is_init):
        self.name, self.is_init, self.arity, self.body = name, is_init, 0, []


class Scope:
    """The names of one local scope, known while parsing; mirrors one environment of the run."""

    def __init__(self, parent, *names):
        self.parent, self.in_initializer = parent, None
        self.indexes = {name: index for index, name in enumerate(names, 1)}


class GiveUp(Exception):
    """Nested too deep to go on."""


class Parser:  # recursive descent; silent after an error until resume() has skipped tokens
    def __init__(self, source):
        self.tokens, self.position = scan(source), -1
        self.current = self.previous = None
        self.panic, self.before_bad = False, None  # before_bad: the token before a bad one
        self.errors = []                     # lines of text
        self.scope = None                    # None: global
        self.function = None                 # the Proto being parsed; None: top level
        self.classes, self.nesting = [], 0   # classes around: has it a superclass?

    def parse(self):
        statements = []
        with contextlib.suppress(GiveUp):
            self.advance()
            while self.current.kind != "end":
                statements.append(self.declaration())
        return statements

    # Tokens and errors.

    def advance(self):
        self.previous = self.current
        while True:
            self.position = min(self.position + 1, len(self.tokens) - 1)
            self.current = self.tokens[self.position]
            if self.current.kind != "error":
                return
            if not self.panic:
                self.before_bad = self.previous
            self.error_at(self.current, self.current.message)

    def match(self, kind):
        if self.current.kind != kind:
            return False
        self.advance()
        return True

    def consume(self, kind, message):
        if not self.match(kind):
            self.error_at(self.current, message)
        return self.previous

    def error_at(self, token, message):
        if self.panic:
            return
        self.panic = True
        where = {"end": b" at end", "error": b""}.get(token.kind, b" at '%s'" % token.text)
        self.errors.append(b"[line %d] Error%s: %s\n" % (token.line, where, message.encode()))

    def resume(self):
        """Ends the panic: after a semicolon or before a word that begins a statement."""
        done = self.previous.kind == b";" and self.previous is not self.before_bad
        while not done and self.current.kind != "end" and self.current.kind not in RESUME_AT:
            done = self.current.kind == b";"
            self.panic = not done  # a bad character after the semicolon counts
            self.advance()
            done = done and not self.panic
        self.panic = False

    @contextlib.contextmanager
    def nested(self):
        self.nesting += 1
        if self.nesting > NESTING_MAX:
            self.error_at(self.current, "Nesting too deep.")
            raise GiveUp
        yield
        self.nesting -= 1

    # Scopes.

    @contextlib.contextmanager
    def inner_scope(self, *names):
        self.scope = Scope(self.scope, *names)
        yield
        self.scope = self.scope.parent

    def declare(self, name):
        """A name in the scope of now; it may be used at once."""
        if self.scope is not None:
            if name.text in self.scope.indexes:
                self.error_at(name, "Already a variable with this name in this scope.")
            self.scope.indexes[name.text] = len(self.scope.indexes) + 1

    def declaration_of(self, name, node):
        if self.scope is None:
            return Interpreter.declare_global, name.text, node
        return Interpreter.declare_local, node

    def resolve(self, token):
        hops, scope = 0, self.scope
        while scope is not None:
            if token.text in scope.indexes:
                if scope.in_initializer == token.text:
                    self.error_at(token, "Can't read local variable in its own initializer.")
                return Interpreter.read_local, hops, scope.indexes[token.text]
            hops, scope = hops + 1, scope.parent
        return Interpreter.read_global, token

    # Declarations.

    def declaration(self):
        if self.match(b"class"):
            node = self.class_declaration()
        elif self.match(b"fun"):
            name = self.consume("name", "Expect function name.")
            self.declare(name)
            closure = (Interpreter.closure, self.function_rest(name, False))
            node = self.declaration_of(name, closure)
        elif self.match(b"var"):
            node = self.var_declaration()
        else:
            node = self.statement()
        if self.panic:
            self.resume()
        return node

    def class_declaration(self):
        name = self.consume("name", "Expect class name.")
        self.declare(name)
        if not self.match(b"<"):
            parts = name.text, None, None, self.class_body(False)
            return self.declaration_of(name, (Interpreter.new_class, *parts))
        superclass_name = self.consume("name", "Expect superclass name.")
        if superclass_name.text == name.text:
            self.error_at(superclass_name, "A class can't inherit from itself.")
        superclass = self.resolve(superclass_name)
        with self.inner_scope(b"super"):
            parts = name.text, superclass, superclass_name, self.class_body(True)
        return self.declaration_of(name, (Interpreter.new_class, *parts))

    def class_body(self, has_superclass):
        methods = []
        self.classes.append(has_superclass)
        self.consume(b"{", "Expect '{' before class body.")
        while self.current.kind not in (b"}", "end"):
            name = self.consume("name", "Expect method name.")
            with self.inner_scope(b"this"):
                methods.append(self.function_rest(name, name.text == INIT))
        self.consume(b"}", "Expect '}' after class body.")
        self.classes.pop()
        return methods

    def function_rest(self, name, is_init):
        proto, enclosing = Proto(name.text, is_init), self.function
        self.function = proto
        with self.nested(), self.inner_scope():
            self.consume(b"(", "Expect '(' after function name.")
            while self.current.kind != b")" or proto.arity > 0:
                proto.arity += 1
                if proto.arity > ARGUMENTS_MAX:
                    self.error_at(self.current, "Can't have more than 255 parameters.")
                self.declare(self.consume("name", "Expect parameter name."))
                if not self.match(b","):
                    break
            self.consume(b")", "Expect ')' after parameters.")
            self.consume(b"{", "Expect '{' before function body.")
            proto.body = self.block_rest()
        self.function = enclosing
        return proto

    def var_declaration(self):
        name = self.consume("name", "Expect variable name.")
        self.declare(name)
        initializer = NIL
        if self.match(b"="):
            scope = self.scope or Scope(None)
            scope.in_initializer = name.text
            initializer = self.expression()
            scope.in_initializer = None
        self.consume(b";", "Expect ';' after variable declaration.")
        return self.declaration_of(name, initializer)

    # Statements.

    def statement(self):
        with self.nested():
            if self.match(b"print"):
                return self.ending_in_semicolon(Interpreter.print, self.expression())
            if self.match(b"return"):
                return self.return_statement()
            if self.match(b"{"):
                with self.inner_scope():
                    return Interpreter.block, self.block_rest()
            if self.match(b"if"):
                return self.if_statement()
            if self.match(b"while"):
                condition = self.condition("while")
                return Interpreter.loop, condition, None, self.statement()
            if self.match(b"for"):
                with self.inner_scope():
                    return self.for_statement()
            return self.ending_in_semicolon(Interpreter.expression, self.expression())

    def ending_in_semicolon(self, *node):
        self.consume(b";", "Expect ';' after expression.")
        return node

    def block_rest(self):
        statements = []
        while self.current.kind not in (b"}", "end"):
            statements.append(self.declaration())
        self.consume(b"}", "Expect '}' after block.")
        return statements

    def return_statement(self):
        if self.function is None:
            self.error_at(self.previous, "Can't return from top-level code.")
        if self.match(b";"):
            return Interpreter.give_back, NIL
        if self.function is not None and self.function.is_init:
            self.error_at(self.previous, "Can't return a value from an initializer.")
        return self.ending_in_semicolon(Interpreter.give_back, self.expression())

    def condition(self, word):
        self.consume(b"(", f"Expect '(' after '{word}'.")
        condition = self.expression()
        self.consume(b")", "Expect ')' after condition.")
        return condition

    def if_statement(self):
        arms = [(self.condition("if"), self.statement())]
        otherwise = None
        while otherwise is None and self.match(b"else"):
            if self.match(b"if"):
                arms.append((self.condition("if"), self.statement()))
            else:
                otherwise = self.statement()
        return Interpreter.branch, arms, otherwise

    def for_statement(self):
        """A block around the loop, with its variable."""
        self.consume(b"(", "Expect '(' after 'for'.")
        statements, condition, step = [], TRUE, None
        if self.match(b"var"):
            statements.append(self.var_declaration())
        elif not self.match(b";"):
            statements.append(self.ending_in_semicolon(Interpreter.expression, self.expression()))
        if not self.match(b";"):
            condition = self.expression()
            self.consume(b";", "Expect ';' after loop condition.")
        if not self.match(b")"):
            step = self.expression()
            self.consume(b")", "Expect ')' after for clauses.")
        statements.append((Interpreter.loop, condition, step, self.statement()))
        return Interpreter.block, statements

    # Expressions, loosest first.

    def expression(self):
        with self.nested():
            target = self.logical(b"or", self.logical_and)
            return self.assignment(*target) if self.match(b"=") else target

    def assignment(self, kind, *parts):
        """Turns the node that reads a variable or a property into one that assigns it."""
        if kind is Interpreter.read_global:
            return Interpreter.assign_global, *parts, self.expression()
        if kind is Interpreter.read_local:
            return Interpreter.assign_local, *parts, self.expression()
        if kind is not Interpreter.postfix or parts[1][-1][1] is not None:
            self.error_at(self.previous, "Invalid assignment target.")
            return self.expression()
        first, steps = parts
        name = steps.pop()[0]
        target = (Interpreter.postfix, first, steps)
        return Interpreter.assign_property, target, name, self.expression()

    def logical(self, word, operand):
        operands = [operand()]
        while self.match(word):
            operands.append(operand())
        return (Interpreter.logical, word == b"or", operands) if len(operands) > 1 else operands[0]

    def logical_and(self):
        return self.logical(b"and", self.binary)

    def binary(self, level=0):
        if level == len(BINARY_LEVELS):
            return self.unary()
        first, rest = self.binary(level + 1), []
        while self.current.kind in BINARY_LEVELS[level]:
            self.advance()
            rest.append((self.previous, self.binary(level + 1)))
        return (Interpreter.binary, first, rest) if rest else first

    def unary(self):
        if self.current.kind not in (b"!", b"-"):
            return self.call()
        with self.nested():
            self.advance()
            return Interpreter.unary, self.previous, self.unary()

    def call(self):
        first, steps = self.primary(), []
        while True:
            name = arguments = None
            if self.match(b"."):
                name = self.consume("name", "Expect property name after '.'.")
            if self.match(b"("):
                arguments = self.arguments()
            if name is None and arguments is None:
                return (Interpreter.postfix, first, steps) if steps else first
            steps.append((name, arguments, self.previous.line))

    def arguments(self):
        arguments = []
        while self.current.kind != b")" or arguments:
            arguments.append(self.expression())
            if len(arguments) > ARGUMENTS_MAX:
                self.error_at(self.previous, "Can't have more than 255 arguments.")
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
            return Interpreter.literal, float(token.text)
        if token.kind == "string":
            return Interpreter.literal, token.text[1:-1]
        if token.kind in CONSTANTS:
            return Interpreter.literal, CONSTANTS[token.kind]
        if token.kind == b"(":
            inner = self.expression()
            self.consume(b")", "Expect ')' after expression.")
            return Interpreter.run, inner  # a node, so that `(a) = 1` is no assignment
        if token.kind == b"this":
            if not self.classes:
                self.error_at(token, "Can't use 'this' outside of a class.")
            return Interpreter.run, self.resolve(token)
        if token.kind == b"super":
            return self.super_rest(token)
        self.error_at(token, "Expect expression.")
        return NIL

    def super_rest(self, token):
        if not self.classes:
            self.error_at(token, "Can't use 'super' outside of a class.")
        elif not self.classes[-1]:
            self.error_at(token, "Can't use 'super' in a class with no superclass.")
        self.consume(b".", "Expect '.' after 'super'.")
        name = self.consume("name", "Expect superclass method name.")
        this = self.resolve(Token("name", b"this", token.line))
        return Interpreter.super_method, self.resolve(token), this, name


NIL = (Interpreter.literal, None)
TRUE = (Interpreter.literal, True)
CONSTANTS = {b"nil": None, b"true": True, b"false": False}
BINARY_LEVELS = ((b"!=", b"=="), (b">", b">=", b"<", b"<="), (b"-", b"+"), (b"/", b"*"))


# ------------------------------------------------------------------------------------------- main
def run(source, stdin, stdout, stderr):
    """Runs a program given as bytes; the streams are binary. Gives the exit status."""
    parser = Parser(source)
    statements = parser.parse()
    if parser.errors:
        stderr.writelines(parser.errors)
        return 65
    interpreter = Interpreter(stdin, stdout)
    try:
        interpreter.run_all(None, statements)
    except TokRuntimeError as error:
        message, line = error.args
        stderr.write(message.encode() + b"\n")
        stderr.writelines(interpreter.trace(line))
        return 70
    return 0


def with_big_stack(function):
    """Calls function() in a thread whose stack holds deep recursion of a program."""
    result = []
    sys.setrecursionlimit(10_000_000)
    threading.stack_size(512 << 20)
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0] if result else 1


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tok_oracle.py FILE")
    with open(sys.argv[1], "rb") as file:
        source = file.read()
    streams = [sys.stdin.buffer, sys.stdout.buffer, sys.stderr.buffer]
    return with_big_stack(lambda: run(source, *streams))


if __name__ == "__main__":
    sys.exit(main())
