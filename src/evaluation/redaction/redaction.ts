import {
  isAlias,
  isCollection,
  isSeq,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { asPlainNumber, isExactNumber, parseExactly, stringifyExactly } from '../../exactNumbers.ts'
import { FreeNames } from '../../freeNames.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { mapKey } from '../../mapKey.ts'
import { isSecretValue, kindOfName, type NameKind, REDACTED, withoutSecretShapes } from './secretPatterns.ts'

/** What was taken out, and in how many places. */
export interface Redactions {
  /** To be counted: of long ones this has the hash. */
  secrets: ReadonlySet<string>
  places: number
}

/** Of several files together: a secret that is in all of them is one. */
export function addedUp(redactions: Redactions[]): Redactions {
  return {
    secrets: new Set(redactions.flatMap(({ secrets }) => [...secrets])),
    places: redactions.reduce((sum, { places }) => sum + places, 0),
  }
}

/**
 * Takes secrets out of a JSON tree, in place: the values under names such as `api_key`, also inside of texts that are
 * JSON themselves (the arguments of tool calls), and anywhere what has the shape of a provider's key. The same tree
 * always gives the same result.
 */
export function redactTree(tree: JsonValue): { tree: JsonValue; redactions: Redactions } {
  const findings = new Findings()
  return { tree: redactLeaves(tree, findings), redactions: findings.total }
}

/**
 * Takes secrets out of a YAML text and leaves every other byte as it is. The text has to be one that
 * `parseConfigDocument` takes: here nothing bounds its aliases.
 */
export function redactYaml(text: string): { text: string; redactions: Redactions } {
  const findings = new Findings()
  const document = parseDocument(text, { schema: 'core', uniqueKeys: false, stringKeys: true })
  const secretAt = new Map<number, number>()
  const known = new Map<Node, ReadonlyMap<unknown, Node | null>>()
  // The library's own way to a key looks at all keys before it.
  const partsOf = (collection: YAMLMap | YAMLSeq) => {
    const parts = known.get(collection) ?? partsByKey(collection)
    known.set(collection, parts)
    return parts
  }
  for (const { holder, key, secret } of leaves(document.toJS({ maxAliasCount: -1 }))) {
    if (secret === null) continue
    let node: Node | null | undefined = document.contents
    for (const step of [...pathTo(holder), key]) {
      const target: Node | null | undefined = isAlias(node) ? node.resolve(document) : node
      node = isCollection(target) ? partsOf(target).get(step) : null
    }
    const range = (isAlias(node) ? node.resolve(document) : node)?.range
    // An alias leads to the same place again; a merged mapping has its values at another one, which is found there.
    if (!range || secretAt.has(range[0])) continue
    secretAt.set(range[0], range[1])
    findings.add(secret)
  }
  let redacted = ''
  let copied = 0
  for (const [start, end] of [...secretAt].sort(([a], [b]) => a - b)) {
    // The last line break of a block scalar is within its range.
    redacted += text.slice(copied, start) + REDACTED + (text[end - 1] === '\n' ? '\n' : '')
    copied = end
  }
  redacted += text.slice(copied)
  return { text: withoutSecretShapes(redacted, findings.add), redactions: findings.total }
}

/** What a collection holds, by key or index; of equal keys the first. */
function partsByKey(collection: YAMLMap | YAMLSeq): ReadonlyMap<unknown, Node | null> {
  if (isSeq<Node | null>(collection)) return new Map(collection.items.entries())
  const { items } = collection as YAMLMap<Scalar, Node | null>
  return new Map(items.map(({ key, value }) => [key.value, value] as const).reverse())
}

/** How many secrets there are in a text that says this tree, in its comments too. */
export function countSecrets(text: string, tree: JsonValue): number {
  const findings = new Findings()
  redactLeaves(structuredClone(tree), findings)
  withoutSecretShapes(text, findings.add)
  return findings.total.secrets.size
}

class Findings {
  readonly secrets = new Set<string>()
  places = 0

  readonly add = (secret: string): void => {
    this.secrets.add(mapKey(secret))
    this.places++
  }

  get total(): Redactions {
    return { secrets: this.secrets, places: this.places }
  }
}

type Container = JsonValue[] | JsonObject

/** A list or mapping in a tree, with the way to it. */
interface Holder {
  container: Container
  /** Of the name that a list stands under: one under `api_keys` holds secrets. */
  kind: NameKind
  parent?: Holder
  key?: string | number
}

interface Leaf {
  holder: Holder
  key: string | number
  value: JsonValue
  /** The value as text when its name or its neighbours say that it is a secret. */
  secret: string | null
}

function redactLeaves(tree: JsonValue, findings: Findings): JsonValue {
  const root = [tree]
  for (const { holder, key, value, secret } of leaves(root, (object) => redactKeys(object, findings))) {
    if (secret !== null) findings.add(secret)
    const redacted =
      secret !== null
        ? REDACTED
        : typeof value === 'string' && !isExactNumber(value)
          ? redactText(value, findings)
          : value
    // Only under a key that is there, so that `__proto__` is one like any other.
    if (redacted !== value) (holder.container as { [key: string | number]: JsonValue })[key] = redacted
  }
  return root[0]!
}

/** A key that has a secret in it gets another name; the order stays. */
function redactKeys(object: JsonObject, findings: Findings): void {
  const keys = Object.keys(object)
  const renamed = keys.map((key) => withoutSecretShapes(key, findings.add))
  if (renamed.every((name, index) => name === keys[index])) return
  const values = keys.map((key) => object[key]!)
  for (const key of keys) delete object[key]
  const names = new FreeNames()
  renamed.forEach((name, index) => {
    Object.defineProperty(object, names.take(name), {
      value: values[index],
      writable: true,
      enumerable: true,
      configurable: true,
    })
  })
}

/**
 * All that is no list or mapping; `onObject` hears of each mapping before its values come. Without recursion: files
 * are nested as deeply as they like.
 */
function* leaves(root: JsonValue, onObject: (object: JsonObject) => void = () => {}): Generator<Leaf> {
  if (!isContainer(root)) return
  const waiting: Holder[] = [{ container: root, kind: 'other' }]
  for (let holder = waiting.pop(); holder; holder = waiting.pop()) {
    const { container } = holder
    if (isJsonObject(container)) onObject(container)
    for (const key of Array.isArray(container) ? container.keys() : Object.keys(container)) {
      const value = (container as { [key: string | number]: JsonValue })[key]!
      const kind = kindOf(holder, key)
      if (isContainer(value)) {
        waiting.push({ container: value, kind: Array.isArray(value) ? kind : 'other', parent: holder, key })
      } else {
        const text = kind === 'secret' ? digitsOf(value) : value
        const secret =
          typeof text === 'string' && !isExactNumber(text) && isSecretValue(text, kind) ? text : null
        yield { holder, key, value, secret }
      }
    }
  }
}

/** A number that is long enough to be a secret as its digits; anything else as it is. */
function digitsOf(value: JsonValue): JsonValue {
  const number = asPlainNumber(value)
  return typeof number === 'number' && number > 99_999 ? stringifyExactly(value) : value
}

/** What the surroundings of a value say about it. */
function kindOf({ container, kind }: Holder, key: string | number): NameKind {
  if (Array.isArray(container)) {
    // `["--api-key", "…"]`
    const before = container[Number(key) - 1]
    return typeof before === 'string' && before.startsWith('-') ? kindOfName(before) : kind
  }
  // A container's environment: `{"name": "API_KEY", "value": "…"}`
  if (key === 'value') {
    const name = container.name ?? container.key
    return typeof name === 'string' ? kindOfName(name) : 'other'
  }
  const own = kindOfName(String(key))
  // What a model said, piece by piece: `{"token": " the", "logprob": -0.1}`
  return own === 'token' && 'logprob' in container ? 'other' : own
}

const NAMED = /key|token|secret|passw|passphrase|authorization/i

/** A text that is JSON is redacted as such: `{"api_key": "…"}` in the arguments of a call. */
function redactText(text: string, findings: Findings): string {
  const tree = /^\s*[{[]/.test(text) && NAMED.test(text) ? parsed(text) : undefined
  if (tree === undefined) return withoutSecretShapes(text, findings.add)
  const before = findings.places
  const redacted = redactLeaves(tree, findings)
  return findings.places === before ? text : stringifyExactly(redacted)
}

/** The tree of a JSON text; undefined when it is none, or too deep to be written again. */
function parsed(text: string): JsonValue | undefined {
  try {
    const tree = parseExactly(text) as JsonValue
    JSON.stringify(tree)
    return tree
  } catch {
    return undefined
  }
}

function isContainer(value: JsonValue): value is Container {
  return typeof value === 'object' && value !== null
}

/** The keys from the root down to what the holder holds. */
function pathTo(holder: Holder): (string | number)[] {
  const path: (string | number)[] = []
  for (let at: Holder | undefined = holder; at?.key !== undefined; at = at.parent) path.unshift(at.key)
  return path
}
