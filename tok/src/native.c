#include "native.h"

#include "io.h"
#include "number.h"
#include "str.h"
#include "vm.h"

static bool native_clock(struct tok_vm *vm, const tok_value *arguments, tok_value *ret_result)
{
    (void)arguments;
    double seconds = vm->config.clock ? vm->config.clock(vm->config.context) : 0;
    *ret_result = value_number(seconds);
    return true;
}

static bool native_input(struct tok_vm *vm, const tok_value *arguments, tok_value *ret_result)
{
    (void)arguments;
    return tok_input_line(vm, ret_result);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t count_digits(const char *bytes, size_t count)
{
    size_t digits = 0;
    while (digits < count && bytes[digits] >= '0' && bytes[digits] <= '9')
        digits++;
    return digits;
}

/* [0-9]+ ("." [0-9]+)? and nothing else. */
static bool is_number_text(const char *bytes, size_t count)
{
    size_t whole = count_digits(bytes, count);
    if (whole == 0 || whole == count)
        return whole > 0;
    size_t fraction = count_digits(bytes + whole + 1, count - whole - 1);
    return bytes[whole] == '.' && fraction > 0 && whole + 1 + fraction == count;
}

static bool native_number(struct tok_vm *vm, const tok_value *arguments, tok_value *ret_result)
{
    if (!value_is(arguments[0], OBJECT_STRING))
        return tok_error(vm, MESSAGE_ARGUMENT_NOT_STRING);
    const struct string *string = value_to_string(arguments[0]);
    const char *bytes = string_bytes(string);
    size_t count = string->length;
    if (!vm_charge(vm, count))
        return false;
    while (count > 0 && is_blank(bytes[count - 1]))
        count--;
    while (count > 0 && is_blank(*bytes)) {
        bytes++;
        count--;
    }
    bool is_negative = count > 0 && *bytes == '-';
    bytes += is_negative;
    count -= is_negative;
    if (is_number_text(bytes, count)) {
        double number = tok_number_parse(bytes, count);
        *ret_result = value_number(is_negative ? -number : number);
    } else {
        *ret_result = VALUE_NIL;
    }
    return true;
}

static bool native_string(struct tok_vm *vm, const tok_value *arguments, tok_value *ret_result)
{
    struct string *string = tok_value_text(vm, arguments[0]);
    if (!string)
        return tok_vm_stop(vm, TOK_MEMORY_LIMIT);
    *ret_result = value_object(string);
    return true;
}

static bool native_length(struct tok_vm *vm, const tok_value *arguments, tok_value *ret_result)
{
    if (!value_is(arguments[0], OBJECT_STRING))
        return tok_error(vm, MESSAGE_ARGUMENT_NOT_STRING);
    *ret_result = value_number(value_to_string(arguments[0])->length);
    return true;
}

static bool define(struct tok_vm *vm, const char *name, uint32_t arity, native_fn call)
{
    struct native *native = heap_allocate_in(vm, &vm->heap, OBJECT_NATIVE, sizeof(*native));
    if (!native)
        return false;
    native->arity = arity;
    native->call = call;
    vm->keep[0] = value_object(native);
    struct string *string = tok_string_intern(vm, name, strlen(name));
    if (!string)
        return false;
    vm->keep[1] = value_object(string);
    int64_t slot = tok_global_slot(vm, string);
    if (slot < 0)
        return false;
    vm->globals.values[slot] = value_object(native);
    return true;
}

bool tok_native_define_all(struct tok_vm *vm)
{
    bool ok = define(vm, "clock", 0, native_clock) && define(vm, "input", 0, native_input) &&
              define(vm, "number", 1, native_number) && define(vm, "string", 1, native_string) &&
              define(vm, "length", 1, native_length);
    vm->keep[0] = VALUE_NIL;
    vm->keep[1] = VALUE_NIL;
    return ok;
}
