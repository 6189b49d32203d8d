import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  Scalar,
  stringify,
  type ToStringOptions,
} from 'yaml'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { type ChangeSummary, type ConfigChange, changedPaths } from './configDiff.ts'
import { readConfigTree } from './configDocument.ts'

/** A change does not fit a tree: what it would change is not there, or is not what it was. */
export class ChangeDoesNotFit extends Error {
  readonly path: string

  constructor(path: string) {
    super(`${path === '' ? 'The configuration' : path} is not what the change was made for`)
    this.path = path
  }
}

/**
 * The tree after the changes, each in the one that those before it have left (RFC 6902). What goes has to be there as the change says it, and where something comes
 * nothing may be.
 * @throws ChangeDoesNotFit
 */
export function changedTree(tree: JsonObject, changes: ChangeSummary): JsonObject {
  const root = { tree: structuredClone(tree) as JsonValue }
  for (const change of changes) {
    const steps = ['tree', ...stepsOf(change.path)]
    const last = steps.pop()!
    let holder: JsonValue | undefined = root
    for (const step of steps) holder = memberOf(holder, step)
    if (!fits(holder, last, change)) throw new ChangeDoesNotFit(change.path)
    if (Array.isArray(holder)) {
      if (change.op === 'replace') holder[Number(last)] = change.after!
      else
        holder.splice(
          Number(last),
          change.op === 'remove' ? 1 : 0,
          ...(change.op === 'add' ? [change.after!] : []),
        )
    } else if (isJsonObject(holder)) {
      if (change.op === 'remove') delete holder[last]
      else
        Object.defineProperty(holder, last, {
          value: change.after!,
          enumerable: true,
          configurable: true,
          writable: true,
        })
    }
  }
  if (!isJsonObject(root.tree)) throw new ChangeDoesNotFit('')
  return root.tree
}

/** The parts of a JSON Pointer (RFC 6901). */
function stepsOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function pointerTo(steps: readonly (string | number)[]): string {
  return steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

function memberOf(holder: JsonValue | undefined, step: string): JsonValue | undefined {
  if (Array.isArray(holder)) return /^\d+$/.test(step) ? holder[Number(step)] : undefined
  return isJsonObject(holder) && Object.hasOwn(holder, step) ? holder[step] : undefined
}

function fits(holder: JsonValue | undefined, step: string, { op, before }: ConfigChange): boolean {
  if (op !== 'add') {
    const there = memberOf(holder, step)
    return there !== undefined && isSame(there, before)
  }
  if (Array.isArray(holder)) return /^\d+$/.test(step) && Number(step) <= holder.length
  return isJsonObject(holder) && !Object.hasOwn(holder, step)
}

const isSame = (a: JsonValue, b: JsonValue | undefined) =>
  b !== undefined && changedPaths({ it: a }, { it: b }).length === 0

/** Bytes; the library takes some seconds for a document of 1 MiB that is all symbols. */
const MAX_EDITED = 262_144

/** As documents may be laid out: tried until one gives a document back as it is. */
const LAYOUTS: readonly ToStringOptions[] = [2, 4].flatMap((indent) =>
  [true, false].flatMap((indentSeq) =>
    [true, false].map((flowCollectionPadding) => ({
      indent,
      indentSeq,
      flowCollectionPadding,
      lineWidth: 0,
    })),
  ),
)

/**
 * The YAML with the changes, comments and layout kept. A value that takes the place of another one of one line is put where that stands; all else only where the
 * whole document can be written as it is laid out. Null where it cannot, where it is longer than 256 KiB, or where what it would come to is not what the changes say, as
 * where an alias repeats the value.
 * @throws ChangeDoesNotFit
 */
export function changedYaml(rawYaml: string, changes: ChangeSummary): string | null {
  const wanted = changedTree(readConfigTree(rawYaml), changes)
  if (Buffer.byteLength(rawYaml) > MAX_EDITED) return null
  let yaml = rawYaml
  for (const change of changes) {
    const next = splice(yaml, change) ?? rewrite(yaml, change)
    if (next === null) return null
    yaml = next
  }
  try {
    return changedPaths(wanted, readConfigTree(yaml)).length === 0 ? yaml : null
  } catch {
    // Not YAML any more, or more of it than may be.
    return null
  }
}

const documentOf = (yaml: string) =>
  parseDocument(yaml, { schema: 'core', intAsBigInt: true, uniqueKeys: false })

function splice(yaml: string, { path, op, after }: ConfigChange): string | null {
  if (op !== 'replace' || (typeof after === 'object' && after !== null)) return null
  let node: Node | null | undefined = documentOf(yaml).contents
  for (const step of stepsOf(path)) {
    if (isMap<Scalar, Node | null>(node)) node = node.items.find(({ key }) => key.value === step)?.value
    else if (isSeq<Node | null>(node)) node = node.items[Number(step)]
    else return null
  }
  if (!node || isAlias(node) || !isScalar(node) || !node.range) return null
  const [start, end] = node.range
  const { type } = node
  // A block of lines has an indentation of its own.
  if (start === end || type === Scalar.BLOCK_FOLDED || type === Scalar.BLOCK_LITERAL) return null
  const quoted = type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE
  const written = stringify(after, {
    lineWidth: 0,
    ...(quoted && { defaultStringType: type, singleQuote: type === Scalar.QUOTE_SINGLE }),
  }).trimEnd()
  return written.includes('\n') ? null : yaml.slice(0, start) + written + yaml.slice(end)
}

function rewrite(yaml: string, { path, op, after }: ConfigChange): string | null {
  const document = documentOf(yaml)
  const layout = LAYOUTS.find((options) => document.toString(options) === yaml)
  if (!layout) return null
  const steps = stepsOf(path).map((step, at, all) =>
    isSeq(document.getIn(all.slice(0, at), true)) ? Number(step) : step,
  )
  try {
    if (op === 'remove') document.deleteIn(steps)
    else if (op === 'replace') document.setIn(steps, document.createNode(after))
    else {
      const holder = steps.length > 1 ? document.getIn(steps.slice(0, -1), true) : document.contents
      if (isSeq(holder)) holder.items.splice(Number(steps.at(-1)), 0, document.createNode(after))
      else document.setIn(steps, document.createNode(after))
    }
    return document.toString(layout)
  } catch {
    return null
  }
}
