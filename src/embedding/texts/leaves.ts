import { asPlainNumber } from '../../exactNumbers.ts'
import { isJsonObject, type JsonValue } from '../../json.ts'
import { plainWords } from './plainWords.ts'

export interface Leaf {
  /** The keys that lead to it, in words; positions in lists say nothing. */
  path: string
  keys: readonly string[]
  value: string | number | boolean
}

/** Texts, numbers and truth values of a tree with the way to each, in the order of the tree; null says nothing. */
export function* leavesOf(tree: JsonValue, keys: readonly string[] = []): Generator<Leaf> {
  if (Array.isArray(tree)) for (const entry of tree) yield* leavesOf(entry, keys)
  else if (isJsonObject(tree))
    for (const [key, value] of Object.entries(tree)) yield* leavesOf(value, [...keys, key])
  else if (tree !== null)
    yield { path: plainWords(keys.join(' ')), keys, value: (asPlainNumber(tree) ?? '') as Leaf['value'] }
}
