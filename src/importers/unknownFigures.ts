/** A figure that a file states and nobody can use, by its key: how often, and what one of them is. */
interface Unusable {
  example: string
  places: number
}

/** While a file is read; it is read in one go. */
let found: Map<string, Unusable> | null = null
let seen = new WeakMap<object, Set<string>>()

/** A figure that is not what it should be costs its record nothing: it is unknown, and its owner is told. */
export function noteUnknown(record: object, key: string, example: string): void {
  const keys = seen.get(record) ?? new Set()
  if (found === null || keys.has(key)) return
  seen.set(record, keys.add(key))
  const before = found.get(key)
  found.set(key, { example: before?.example ?? example, places: (before?.places ?? 0) + 1 })
}

/** What is read, and of which figures that are unknown its owner should know. */
export function readWithNotes<Result>(read: () => Result): { result: Result; notes: string[] } {
  found = new Map()
  seen = new WeakMap()
  try {
    const result = read()
    return {
      result,
      notes: [...found.values()].map(
        ({ example, places }) => `${example}: unknown in ${places} ${places === 1 ? 'place' : 'places'}`,
      ),
    }
  } finally {
    found = null
  }
}
