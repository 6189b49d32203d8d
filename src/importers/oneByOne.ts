import type { JsonObject, JsonValue } from '../json.ts'

const ONE_BY_ONE = new WeakSet<object>()

/**
 * A list like any other of a document, whose items are read when they are asked for, each time anew: a file may be larger
 * than memory. Whoever keeps an item keeps it in memory.
 */
export function readOneByOne<Item>(length: number, read: (index: number) => Item): Item[] {
  const list: Item[] = new Array(length)
  const item = withLast(read)
  for (let index = 0; index < length; index++) {
    Object.defineProperty(list, index, { enumerable: true, configurable: true, get: () => item(index) })
  }
  ONE_BY_ONE.add(list)
  return list
}

/** The same of an object, whose values are read when they are asked for: `{...rest}` and `Object.values` ask for all of them. */
export function readByKey(keys: string[], read: (index: number) => JsonValue): JsonObject {
  const object: JsonObject = {}
  const item = withLast(read)
  for (const [index, key] of keys.entries()) {
    Object.defineProperty(object, key, { enumerable: true, configurable: true, get: () => item(index) })
  }
  ONE_BY_ONE.add(object)
  return object
}

/** An item is often asked for a few times in a row. */
function withLast<Item>(read: (index: number) => Item): (index: number) => Item {
  let last: { index: number; item: Item } | undefined
  return (index) => {
    if (last?.index !== index) last = { index, item: read(index) }
    return last.item
  }
}

export function isReadOneByOne(items: object): boolean {
  return ONE_BY_ONE.has(items)
}

/** A list that is made of items of others: read one by one where one of them is. */
export function madeOf<Item>(sources: object[], length: number, read: (index: number) => Item): Item[] {
  return sources.some(isReadOneByOne)
    ? readOneByOne(length, read)
    : Array.from({ length }, (_, index) => read(index))
}

/** Those of the items that have these indices, in their order. */
export function itemsAt(list: JsonValue[], indices: number[]): JsonValue[] {
  return madeOf([list], indices.length, (index) => list[indices[index]!]!)
}
