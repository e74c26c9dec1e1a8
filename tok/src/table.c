#include "table.h"

#include "memory.h"
#include "object.h"

enum { TABLE_CAPACITY_MIN = 4 };

static struct table_entry *table_slot(const struct table *table, const struct string *key)
{
    uint32_t mask = table->capacity - 1;
    uint32_t index = key->hash & mask;
    while (table->entries[index].key && table->entries[index].key != key)
        index = (index + 1) & mask;
    return &table->entries[index];
}

tok_value *tok_table_find(const struct table *table, const struct string *key)
{
    if (table->count == 0)
        return NULL;
    struct table_entry *entry = table_slot(table, key);
    return entry->key ? &entry->value : NULL;
}

static bool table_resize(struct tok_vm *vm, struct table *table, uint32_t capacity)
{
    size_t bytes = (size_t)capacity * sizeof(struct table_entry);
    struct table_entry *entries = tok_memory_resize(vm, NULL, 0, bytes);
    if (!entries)
        return false;
    memset(entries, 0, bytes);

    struct table larger = {.entries = entries, .count = table->count, .capacity = capacity};
    for (uint32_t i = 0; i < table->capacity; i++) {
        if (table->entries[i].key)
            *table_slot(&larger, table->entries[i].key) = table->entries[i];
    }
    tok_table_done(vm, table);
    *table = larger;
    return true;
}

bool tok_table_set(struct tok_vm *vm, struct table *table, struct string *key, tok_value value)
{
    if (table->count + 1 > table->capacity - table->capacity / 4) {
        uint32_t capacity = table->capacity ? table->capacity * 2 : TABLE_CAPACITY_MIN;
        if (!table_resize(vm, table, capacity))
            return false;
    }
    struct table_entry *entry = table_slot(table, key);
    if (!entry->key) {
        entry->key = key;
        table->count++;
    }
    entry->value = value;
    return true;
}

bool tok_table_copy(struct tok_vm *vm, struct table *table, const struct table *from)
{
    for (uint32_t i = 0; i < from->capacity; i++) {
        const struct table_entry *entry = &from->entries[i];
        if (entry->key && !tok_table_set(vm, table, entry->key, entry->value))
            return false;
    }
    return true;
}

void tok_table_done(struct tok_vm *vm, struct table *table)
{
    tok_memory_free(vm, table->entries, table->capacity * sizeof(struct table_entry));
    *table = (struct table){0};
}
