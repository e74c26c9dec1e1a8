/*
 * The interpreter's loop. What happens often is written out here; the rest is in runtime.c.
 *
 * Numbers: a boxed value is a NaN, and arithmetic with a NaN gives a NaN. So the operation comes
 * first, and only a NaN result makes the operands be looked at (see value.h).
 * Steps: a call and a back edge take one from the budget of the slice; when it is used up, vm.c looks
 * at the limits and at the interrupt flag.
 * Dispatch: by a table of labels whose address stays in a register. TOK_SWITCH_DISPATCH has the same
 * bodies in a plain switch.
 * Registers: the processor has six that survive a call, which hold vm, ip, word, base, constants and the
 * table; so the frame is fetched from vm where it is needed. The word is 64 bits wide, as an index
 * taken from it then needs no widening.
 */
#if defined(__GNUC__) && !defined(__clang__)
/* Each instruction keeps its own jump to the next one: the processor predicts them apart. Before the
 * includes, so that what is inlined into the loop has the same options. */
#pragma GCC optimize("no-crossjumping", "no-gcse")
#endif

#include "io.h"
#include "opcode.h"
#include "runtime.h"
#include "trap.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#ifdef TOK_SWITCH_DISPATCH
#define CASE(name) case OP_##name:
#define NEXT() goto next
#define DISPATCH_BEGIN()                                                                           \
    next:                                                                                          \
    word = *ip++;                                                                                  \
    switch ((enum opcode)(word & 0xff)) {
#define DISPATCH_END()                                                                             \
    case OP_COUNT:                                                                                 \
        break;                                                                                     \
        }                                                                                          \
        TRAP_UNLESS(false);
#else
#define CASE(name) op_##name:
#define NEXT()                                                                                     \
    do {                                                                                           \
        word = *ip++;                                                                              \
        goto *targets[word & 0xff];                                                                \
    } while (0)
#define DISPATCH_BEGIN() NEXT();
#define DISPATCH_END()
#endif

#define INDEX_A (word >> 8 & 0xff)
#define INDEX_B (word >> 16 & 0xff)
#define INDEX_C (word >> 24)
#define INDEX_X (word >> 16)
#define A base[INDEX_A]
#define B base[INDEX_B]
#define C base[INDEX_C]
#define KB constants[INDEX_B]
#define KC constants[INDEX_C]
#define KX constants[INDEX_X]
#define KNOWN(object) known_property(vm, object, constants, ip)
#define N(value) value_to_number(value)

/* Ends the program if a call to the outside fails; before it, the frame learns where we are. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        vm->frame->ip = ip;                                                                        \
        if (unlikely(!(call)))                                                                     \
            goto stopped;                                                                          \
    } while (0)

/* Lets runtime.c decide what a call enters, `words` behind the instruction. It has a variable of
 * its own to fill, so that `closure` may stay in a register. */
#define ENTER_BY(call, words)                                                                      \
    do {                                                                                           \
        struct closure *callee;                                                                    \
        TRY(call);                                                                                 \
        ip += (words);                                                                             \
        closure = callee;                                                                          \
        if (closure)                                                                               \
            goto enter;                                                                            \
        NEXT();                                                                                    \
    } while (0)

#define LEAVE()                                                                                    \
    do {                                                                                           \
        const struct frame *frame = --vm->frame;                                                   \
        base = frame->base;                                                                        \
        constants = frame->constants;                                                              \
        ip = frame->ip;                                                                            \
        NEXT();                                                                                    \
    } while (0)

#define STEP()                                                                                     \
    do {                                                                                           \
        if (unlikely(--vm->budget < 0))                                                            \
            TRY(tok_vm_next_slice(vm));                                                            \
    } while (0)

#define JUMP() ip += (ptrdiff_t)(int32_t)*ip + 1
#define SKIP() ip++

/* The operands are read as numbers straight from memory, and again as values if need be: A is not
 * written to before. */
#define ARITHMETIC(name, left, operator, right)                                                    \
    CASE(name)                                                                                     \
    {                                                                                              \
        double result = N(left) operator N(right);                                                 \
        if (unlikely(result != result)) {                                                          \
            TRY(tok_check_numbers(vm, left, right));                                               \
            A = VALUE_NAN;                                                                         \
            NEXT();                                                                                \
        }                                                                                          \
        A = value_number(result);                                                                  \
        NEXT();                                                                                    \
    }

#define ADDITION(name, left, right)                                                                \
    CASE(name)                                                                                     \
    {                                                                                              \
        double result = N(left) + N(right);                                                        \
        if (unlikely(result != result)) {                                                          \
            TRY(tok_add(vm, left, right, &A));                                                     \
            NEXT();                                                                                \
        }                                                                                          \
        A = value_number(result);                                                                  \
        NEXT();                                                                                    \
    }

#define COMPARISON(name, operator)                                                                 \
    CASE(name)                                                                                     \
    {                                                                                              \
        double left = N(B);                                                                        \
        double right = N(C);                                                                       \
        if (unlikely(__builtin_isunordered(left, right)))                                          \
            TRY(tok_check_numbers(vm, B, C));                                                      \
        A = value_bool(left operator right);                                                       \
        NEXT();                                                                                    \
    }

/* Goes there if the comparison is `wanted`; with a NaN it is false. */
#define COMPARE_AND_JUMP(name, operator, right_operand, wanted)                                    \
    CASE(name)                                                                                     \
    {                                                                                              \
        double left = N(A);                                                                        \
        double right = N(right_operand);                                                           \
        if (unlikely(__builtin_isunordered(left, right)))                                          \
            TRY(tok_check_numbers(vm, A, right_operand));                                          \
        if ((left operator right) == (wanted))                                                     \
            JUMP();                                                                                \
        else                                                                                       \
            SKIP();                                                                                \
        NEXT();                                                                                    \
    }

#define COMPARE_AND_LOOP(name, operator, right_operand)                                            \
    CASE(name)                                                                                     \
    {                                                                                              \
        double left = N(A);                                                                        \
        double right = N(right_operand);                                                           \
        if (unlikely(__builtin_isunordered(left, right)))                                          \
            TRY(tok_check_numbers(vm, A, right_operand));                                          \
        if (left operator right) {                                                                 \
            STEP();                                                                                \
            JUMP();                                                                                \
        } else {                                                                                   \
            SKIP();                                                                                \
        }                                                                                          \
        NEXT();                                                                                    \
    }

/* *ret: whether the values in two places are equal, without a call unless they may be strings made
 * at run time. A boxed value is a NaN, so comparing as numbers is right for what is left. */
#define EQUALITY(left, right, ret)                                                                 \
    bool ret;                                                                                      \
    if (left == right) {                                                                           \
        ret = !value_is_number(left) || N(left) == N(left);                                        \
    } else if (may_be_equal_strings(left, right)) {                                                \
        bool are_equal; /* so that `ret` may stay in a register */                                 \
        TRY(tok_equal_strings(vm, &left, &right, &are_equal));                                     \
        ret = are_equal;                                                                           \
    } else {                                                                                       \
        ret = N(left) == N(right);                                                                 \
    }

#define EQUAL_AND_JUMP(name, right_operand, wanted)                                                \
    CASE(name)                                                                                     \
    {                                                                                              \
        EQUALITY(A, right_operand, equal)                                                          \
        if (equal == (wanted))                                                                     \
            JUMP();                                                                                \
        else                                                                                       \
            SKIP();                                                                                \
        NEXT();                                                                                    \
    }

/* Of two different values. Two interned strings are not equal; the bit means something else in other
 * objects, which are not equal anyway. */
static inline bool may_be_equal_strings(tok_value left, tok_value right)
{
    return value_is_object(left & right) && /* both, as the tag is all ones at the top */
           !(value_to_object(left)->flags & value_to_object(right)->flags & STRING_INTERNED);
}

/* Whether a value is an instance of the shape that a cache has seen. */
static inline bool has_shape(tok_value value, uint32_t shape)
{
    return likely(value_is_object(value)) && likely(value_to_object(value)->shape == shape);
}

static inline struct instance *to_instance(tok_value value)
{
    return (struct instance *)value_to_object(value);
}

/* What a name means in an object, if sites that met several shapes have found it out; else NULL. */
static inline const struct property *known_property(const struct tok_vm *vm, tok_value object,
                                                    const tok_value *constants,
                                                    const uint32_t *cache)
{
    if (!vm->properties || !value_is_object(object))
        return NULL;
    uint32_t shape = value_to_object(object)->shape;
    const struct string *name = value_to_string(constants[cache[CACHE_NAME] & CACHE_NAME_MASK]);
    const struct property *property = vm_property_entry(vm, shape, name);
    return property->shape == shape && property->name == name ? property : NULL;
}

static inline struct closure *cached_closure(const uint32_t *cache)
{
    struct closure *closure;
    memcpy(&closure, cache + CACHE_CLOSURE, sizeof(closure));
    return closure;
}

static void run(struct tok_vm *vm) // NOLINT(readability-function-size): the loop is one piece
{
#ifndef TOK_SWITCH_DISPATCH
#define OPCODE(name, format, a, b, c, words, meaning) [OP_##name] = &&op_##name,
    static const void *const table[OP_COUNT] = {
#include "opcode.def"
    };
#undef OPCODE
    const void *const *targets = table;
    __asm__("" : "+r"(targets)); /* else gcc makes the address anew at each instruction */
#endif
    tok_value *base = vm->frame->base;
    tok_value *constants = vm->frame->constants;
    uint32_t *ip = vm->frame->ip;
    uint64_t word;
    struct closure *closure;
    tok_value *window;

    DISPATCH_BEGIN()

    CASE(MOVE)
    {
        A = B;
        NEXT();
    }
    CASE(FARGET)
    {
        A = base[INDEX_X];
        NEXT();
    }
    CASE(FARSET)
    {
        base[INDEX_X] = A;
        NEXT();
    }
    CASE(CONST)
    {
        A = KX;
        NEXT();
    }
    CASE(NIL)
    {
        A = VALUE_NIL;
        NEXT();
    }
    CASE(TRUE)
    {
        A = VALUE_TRUE;
        NEXT();
    }
    CASE(FALSE)
    {
        A = VALUE_FALSE;
        NEXT();
    }

    CASE(GLOBAL)
    {
        tok_value value = vm->globals.values[INDEX_X];
        if (unlikely(value == VALUE_UNDEFINED))
            goto undefined_global;
        A = value;
        NEXT();
    }
    CASE(SETGLOBAL)
    {
        tok_value *global = &vm->globals.values[INDEX_X];
        if (unlikely(*global == VALUE_UNDEFINED))
            goto undefined_global;
        *global = A;
        NEXT();
    }
    CASE(DEFGLOBAL)
    {
        vm->globals.values[INDEX_X] = A;
        NEXT();
    }
    CASE(CAPTURE)
    {
        A = vm->frame->closure->captures[INDEX_X];
        NEXT();
    }
    CASE(CAPCELL)
    {
        A = ((struct cell *)value_to_object(vm->frame->closure->captures[INDEX_X]))->value;
        NEXT();
    }
    CASE(SETCAPCELL)
    {
        ((struct cell *)value_to_object(vm->frame->closure->captures[INDEX_X]))->value = A;
        NEXT();
    }
    CASE(NEWCELL)
    {
        TRY(tok_make_cell(vm, B, &A));
        NEXT();
    }
    CASE(CELL)
    {
        A = ((struct cell *)value_to_object(B))->value;
        NEXT();
    }
    CASE(SETCELL)
    {
        ((struct cell *)value_to_object(A))->value = B;
        NEXT();
    }

    ADDITION(ADD, B, C)
    ADDITION(ADDK, B, KC)
    ADDITION(KADD, KC, B)
    ARITHMETIC(SUB, B, -, C)
    ARITHMETIC(SUBK, B, -, KC)
    ARITHMETIC(KSUB, KC, -, B)
    ARITHMETIC(MUL, B, *, C)
    ARITHMETIC(MULK, B, *, KC)
    ARITHMETIC(DIV, B, /, C)
    ARITHMETIC(DIVK, B, /, KC)
    ARITHMETIC(KDIV, KC, /, B)

    CASE(NEG)
    {
        if (unlikely(!value_is_number(B)))
            TRY(tok_error(vm, MESSAGE_OPERAND_NUMBER));
        A = value_number(-N(B));
        NEXT();
    }
    CASE(NOT)
    {
        A = value_bool(value_is_falsey(B));
        NEXT();
    }
    CASE(EQ)
    {
        EQUALITY(B, C, equal)
        A = value_bool(equal);
        NEXT();
    }
    CASE(NE)
    {
        EQUALITY(B, C, equal)
        A = value_bool(!equal);
        NEXT();
    }
    COMPARISON(LT, <)
    COMPARISON(LE, <=)

    CASE(JUMP)
    {
        JUMP();
        NEXT();
    }
    CASE(JT)
    {
        if (value_is_falsey(A))
            SKIP();
        else
            JUMP();
        NEXT();
    }
    CASE(JF)
    {
        if (value_is_falsey(A))
            JUMP();
        else
            SKIP();
        NEXT();
    }
    EQUAL_AND_JUMP(JEQ, B, true)
    EQUAL_AND_JUMP(JNE, B, false)
    EQUAL_AND_JUMP(JEQK, KB, true)
    EQUAL_AND_JUMP(JNEK, KB, false)
    COMPARE_AND_JUMP(JLT, <, B, true)
    COMPARE_AND_JUMP(JLE, <=, B, true)
    COMPARE_AND_JUMP(JNLT, <, B, false)
    COMPARE_AND_JUMP(JNLE, <=, B, false)
    COMPARE_AND_JUMP(JLTK, <, KB, true)
    COMPARE_AND_JUMP(JLEK, <=, KB, true)
    COMPARE_AND_JUMP(JGTK, >, KB, true)
    COMPARE_AND_JUMP(JGEK, >=, KB, true)
    COMPARE_AND_JUMP(JNLTK, <, KB, false)
    COMPARE_AND_JUMP(JNLEK, <=, KB, false)
    COMPARE_AND_JUMP(JNGTK, >, KB, false)
    COMPARE_AND_JUMP(JNGEK, >=, KB, false)

    CASE(LOOP)
    {
        STEP();
        JUMP();
        NEXT();
    }
    CASE(LOOPT)
    {
        if (value_is_falsey(A)) {
            SKIP();
        } else {
            STEP();
            JUMP();
        }
        NEXT();
    }
    COMPARE_AND_LOOP(LOOPLT, <, B)
    COMPARE_AND_LOOP(LOOPLE, <=, B)
    COMPARE_AND_LOOP(LOOPLTK, <, KB)
    COMPARE_AND_LOOP(LOOPLEK, <=, KB)
    COMPARE_AND_LOOP(LOOPGTK, >, KB)
    COMPARE_AND_LOOP(LOOPGEK, >=, KB)

    CASE(PRINT)
    {
        TRY(tok_print(vm, A));
        NEXT();
    }
    CASE(GET)
    {
        const struct property *property;
        tok_value object = B;
        if (has_shape(object, ip[0]))
            A = to_instance(object)->slots[ip[CACHE_NAME] >> CACHE_OFFSET_SHIFT];
        else if ((property = KNOWN(object)) && property->kind == PROPERTY_INLINE)
            A = to_instance(object)->slots[property->slot];
        else
            TRY(tok_get_property(vm, object, ip, &A));
        ip += 2;
        NEXT();
    }
    CASE(GETTHIS)
    {
        const struct property *property;
        struct instance *instance = to_instance(base[0]);
        if (likely(instance->header.shape == ip[0]))
            A = instance->slots[ip[CACHE_NAME] >> CACHE_OFFSET_SHIFT];
        else if ((property = KNOWN(base[0])) && property->kind == PROPERTY_INLINE)
            A = instance->slots[property->slot];
        else
            TRY(tok_get_property(vm, base[0], ip, &A));
        ip += 2;
        NEXT();
    }
    CASE(SET)
    {
        const struct property *property;
        tok_value object = A;
        if (has_shape(object, ip[0])) {
            to_instance(object)->slots[ip[CACHE_NAME] >> CACHE_OFFSET_SHIFT] = B;
            value_to_object(object)->shape = ip[CACHE_NEXT];
        } else if ((property = KNOWN(object)) && property->kind <= PROPERTY_NEW) {
            to_instance(object)->slots[property->slot] = B;
            value_to_object(object)->shape = property->next;
        } else {
            TRY(tok_set_property(vm, object, B, ip));
        }
        ip += 3;
        NEXT();
    }
    CASE(SETTHIS)
    {
        const struct property *property;
        struct instance *instance = to_instance(base[0]);
        if (likely(instance->header.shape == ip[0])) {
            instance->slots[ip[CACHE_NAME] >> CACHE_OFFSET_SHIFT] = B;
            instance->header.shape = ip[CACHE_NEXT];
        } else if ((property = KNOWN(base[0])) && property->kind <= PROPERTY_NEW) {
            instance->slots[property->slot] = B;
            instance->header.shape = property->next;
        } else {
            TRY(tok_set_property(vm, base[0], B, ip));
        }
        ip += 3;
        NEXT();
    }
    CASE(GETSUPER)
    {
        TRY(tok_get_super(vm, B, C, value_to_string(constants[*ip]), &A));
        ip += 1;
        NEXT();
    }

    CASE(CALL)
    {
        STEP();
        window = &A;
        uint32_t count = INDEX_B;
        if (likely(value_is(window[0], OBJECT_CLOSURE))) {
            closure = (struct closure *)value_to_object(window[0]);
            if (likely(closure->proto->arity == count))
                goto enter;
        }
        ENTER_BY(tok_call(vm, window, count, &callee), 0);
    }
    CASE(FARCALL)
    {
        STEP();
        window = base + INDEX_X;
        ENTER_BY(tok_call(vm, window, INDEX_A, &callee), 0);
    }
    CASE(INVOKE)
    {
        STEP();
        window = &A;
        if (has_shape(window[0], ip[0])) {
            closure = cached_closure(ip);
            ip += 4;
            goto enter;
        }
        const struct property *property = KNOWN(window[0]);
        if (property && property->kind == PROPERTY_METHOD &&
            property->method->proto->arity == INDEX_B) {
            closure = property->method;
            ip += 4;
            goto enter;
        }
        ENTER_BY(tok_invoke(vm, window, (uint32_t)INDEX_B, ip, &callee), 4);
    }
    CASE(FARINVOKE)
    {
        STEP();
        window = base + INDEX_X;
        ENTER_BY(tok_invoke(vm, window, INDEX_A, ip, &callee), 4);
    }
    CASE(SUPER)
    {
        STEP();
        window = &A;
        struct string *name = value_to_string(constants[*ip]);
        ENTER_BY(tok_invoke_super(vm, window, INDEX_B, name, &callee), 1);
    }
    CASE(FARSUPER)
    {
        STEP();
        window = base + INDEX_X;
        struct string *name = value_to_string(constants[*ip]);
        ENTER_BY(tok_invoke_super(vm, window, INDEX_A, name, &callee), 1);
    }
    CASE(RETURN)
    {
        base[0] = A;
        LEAVE();
    }
    CASE(RETNIL)
    {
        base[0] = VALUE_NIL;
        LEAVE();
    }
    CASE(HALT)
    {
        return;
    }

    CASE(CLOSURE)
    {
        TRY(tok_make_closure(vm, (struct proto *)value_to_object(KX), &A));
        NEXT();
    }
    CASE(CLASS)
    {
        TRY(tok_make_class(vm, value_to_string(KX), *ip, &A));
        ip += 1;
        NEXT();
    }
    CASE(INHERIT)
    {
        TRY(tok_inherit(vm, (struct class *)value_to_object(A), B));
        NEXT();
    }
    CASE(METHOD)
    {
        TRY(tok_add_method(vm, (struct class *)value_to_object(A), value_to_string(constants[*ip]),
                           (struct closure *)value_to_object(B)));
        ip += 1;
        NEXT();
    }

enter : {
    const struct proto *proto = closure->proto;
    struct frame *frame = vm->frame;
    if (unlikely((uintptr_t)(window + proto->register_count) > (uintptr_t)vm->stack_end) ||
        unlikely(frame + 1 == vm->frames_end)) {
        ptrdiff_t offset = window - vm->stack;
        TRY(tok_vm_grow(vm, window, closure));
        window = vm->stack + offset;
        frame = vm->frame;
    }
    frame->ip = ip;
    frame++;
    vm->frame = frame;
    base = window;
    constants = proto->constants;
    ip = proto->code;
    frame->base = base;
    frame->constants = constants;
    frame->closure = closure;
    NEXT();
}

undefined_global:
    vm->frame->ip = ip;
    tok_error_name(vm, MESSAGE_UNDEFINED_VARIABLE, vm->globals.names[INDEX_X]);
    goto stopped;

    DISPATCH_END()

stopped:
    return;
}

enum tok_verdict tok_interpret(struct tok_vm *vm, struct closure *closure)
{
    uint32_t halt[] = {OP_HALT};
    vm->frame = &vm->frames[0];
    vm->frames[0] = (struct frame){.ip = halt, .base = vm->stack};
    vm->keep[0] = value_object(closure);
    bool is_room = tok_vm_grow(vm, vm->stack, closure);
    vm->keep[0] = VALUE_NIL;
    if (is_room) {
        vm->frames[0].base = vm->stack;
        vm->frame++;
        *vm->frame = (struct frame){.ip = closure->proto->code,
                                    .base = vm->stack,
                                    .constants = closure->proto->constants,
                                    .closure = closure};
        if (tok_vm_next_slice(vm))
            run(vm);
    }
    vm->frame = &vm->frames[0];
    return vm->verdict;
}
