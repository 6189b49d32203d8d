import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'

/** A change as it can be met again in other diffs, of other configurations too. */
export interface ChangeKey {
  /**
   * A path without the places of list elements: an element is named by what tells it apart (`/tools/search`), or `*`. Below a tool nothing is told
   * apart. A part of a text has its heading behind `#` (`/system_prompt#Rules`). At most 500 characters.
   */
  path: string
  op: 'add' | 'remove' | 'replace'
  /** Where a number changed. */
  direction: 'increase' | 'decrease' | null
  /** Where a name changed, such as that of a model, or a switch. */
  valueBefore: string | null
  valueAfter: string | null
}

/** A diff that changes more is a rewrite, and tells nothing of any of them. */
export const MOST_CHANGE_KEYS = 100
const MAX_PATH = 500
/** What tells elements of a list apart; the first that an element has counts. */
const IDENTITIES = ['id', 'name', 'key', 'role', 'path', 'type'] as const
const TOOLS = /^(tools|functions)$/
const NAME = /^[\w.:@/+-]{1,100}$/
/** Where a model is named beside the top level (configDocument.ts). */
const MODEL_NAMES = /^(model|model_name|model_id|name|id|llm|provider)$/

/**
 * What changed between two configurations, each key once, in the order of the paths. The same whatever the order of keys in mappings. Where the
 * tree has the model or the temperature that also stand at its top, only that counts.
 */
export function changeKeys(before: JsonObject, after: JsonObject): ChangeKey[] {
  const walk = new Walk(before, after)
  const [was, is] = [parted(before), parted(after)]
  walk.mappings('', was.rest, is.rest, false)
  walk.mappings('/model', was.ofModel, is.ofModel, false)
  return walk.keys()
}

/** `model_as_written` is what the YAML has under `model`, where that is a mapping. */
function parted({ model_as_written: written, ...rest }: JsonObject): {
  rest: JsonObject
  ofModel: JsonObject
} {
  return isJsonObject(written)
    ? { rest, ofModel: written }
    : { rest: { ...rest, ...(written !== undefined && { model_as_written: written }) }, ofModel: {} }
}

class Walk {
  readonly #found = new Map<string, ChangeKey>()
  readonly #before: JsonObject
  readonly #after: JsonObject

  constructor(before: JsonObject, after: JsonObject) {
    this.#before = before
    this.#after = after
  }

  keys(): ChangeKey[] {
    return [...this.#found.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  }

  mappings(path: string, before: JsonObject, after: JsonObject, ofTools: boolean): void {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [was, is] = [own(before, name), own(after, name)]
      const child = `${path}/${escaped(name)}`
      // A mapping of tools names them by its keys; what it has of lists names its elements.
      if (ofTools && !Array.isArray(was) && !Array.isArray(is)) this.#whole(child, was, is)
      else this.#values(child, name, was, is)
    }
  }

  #values(path: string, name: string, before: JsonValue | undefined, after: JsonValue | undefined): void {
    if (same(before, after) || this.#isCopy(path, name, before, after)) return
    const [mappings, lists] = [isJsonObject, Array.isArray].map(
      (is) => (is(before) || is(after)) && [before, after].every((value) => value == null || is(value)),
    )
    const isEmpty = [before, after].every(
      (value) => value == null || (typeof value === 'object' && Object.keys(value).length === 0),
    )
    if (mappings && !isEmpty)
      this.mappings(path, (before ?? {}) as JsonObject, (after ?? {}) as JsonObject, TOOLS.test(name))
    else if (lists && !isEmpty)
      this.#lists(
        path,
        (before ?? []) as JsonValue[],
        (after ?? []) as JsonValue[],
        path.split('/').some(isOfTools),
      )
    else if (typeof before === 'string' && typeof after === 'string') this.#texts(path, before, after)
    else this.#whole(path, before, after)
  }

  /** Elements of one name belong together, in their order; those without one as they come. */
  #lists(path: string, before: JsonValue[], after: JsonValue[], ofTools: boolean): void {
    const [was, is] = [byName(before), byName(after)]
    for (const name of new Set([...was.keys(), ...is.keys()])) {
      const [old, fresh] = withoutSame(was.get(name) ?? [], is.get(name) ?? [])
      const child = `${path}/${escaped(name ?? '*')}`
      for (let place = 0; place < Math.max(old.length, fresh.length); place++) {
        const isWhole = old[place] === undefined || fresh[place] === undefined || (ofTools && name !== null)
        if (isWhole) this.#whole(child, old[place], fresh[place])
        else this.#values(child, '', old[place], fresh[place])
      }
    }
  }

  #texts(path: string, before: string, after: string): void {
    const [was, is] = [sectionsOf(before), sectionsOf(after)]
    const changed = [...new Set([...was.keys(), ...is.keys()])].filter(
      (heading) => was.get(heading) !== is.get(heading),
    )
    // Without headings it is one part; where no part changed, what stands between words did.
    if (changed.length === 0 || was.size + is.size === 2) this.#whole(path, before, after)
    else
      for (const heading of changed)
        this.#whole(heading === '' ? path : `${path}#${heading}`, was.get(heading), is.get(heading))
  }

  #whole(path: string, before: JsonValue | undefined, after: JsonValue | undefined): void {
    if (same(before, after)) return
    const cut = path.length > MAX_PATH ? `${path.slice(0, MAX_PATH - 1).toWellFormed()}…` : path
    const op = before == null ? 'add' : after == null ? 'remove' : 'replace'
    const isReplaced = op === 'replace'
    const direction =
      isReplaced && typeof before === 'number' && typeof after === 'number'
        ? after > before
          ? 'increase'
          : 'decrease'
        : null
    const areNames = isReplaced && isName(before) && isName(after)
    const [valueBefore, valueAfter] = areNames ? [String(before), String(after)] : [null, null]
    const known = this.#found.get(cut)
    // Of several changes at one place, such as elements without a name, it is left that there was a change.
    this.#found.set(
      cut,
      known
        ? {
            ...known,
            op: known.op === op ? op : 'replace',
            direction: null,
            valueBefore: null,
            valueAfter: null,
          }
        : { path: cut, op, direction, valueBefore, valueAfter },
    )
  }

  /** Whether this is where the model or the temperature was taken from, which has changed alike at the top. */
  #isCopy(path: string, name: string, before: JsonValue | undefined, after: JsonValue | undefined): boolean {
    if (path === '/model' || path === '/temperature') return false
    const of = MODEL_NAMES.test(name) ? 'model' : name === 'temperature' ? 'temperature' : undefined
    if (of === undefined) return false
    const [was, is] = [this.#before[of], this.#after[of]]
    return (before ?? null) === (was ?? null) && (after ?? null) === (is ?? null) && was !== is
  }
}

const own = (tree: JsonObject, name: string): JsonValue | undefined =>
  Object.hasOwn(tree, name) ? tree[name] : undefined

const isOfTools = (segment: string) => TOOLS.test(segment)

const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')

const isName = (value: JsonValue | undefined) =>
  typeof value === 'boolean' || (typeof value === 'string' && NAME.test(value))

function same(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a == null || b == null) return a == null && b == null
  return a === b || (typeof a === 'object' && typeof b === 'object' && formOf(a) === formOf(b))
}

/** Equal for equal values, whatever the order of keys. */
function formOf(value: JsonValue): string {
  return JSON.stringify(value, (_, part) =>
    isJsonObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  )
}

function nameOf(element: JsonValue): string | null {
  if (typeof element === 'string') return NAME.test(element) ? element : null
  if (!isJsonObject(element)) return null
  // As providers of models have tools: {type: function, function: {name}}.
  const holder = isJsonObject(element.function) ? element.function : element
  for (const key of IDENTITIES) {
    const value = own(holder, key)
    if (typeof value === 'string' || typeof value === 'number') return String(value)
  }
  return null
}

function byName(elements: readonly JsonValue[]): Map<string | null, JsonValue[]> {
  const named = new Map<string | null, JsonValue[]>()
  for (const element of elements) {
    const name = nameOf(element)
    named.set(name, [...(named.get(name) ?? []), element])
  }
  return named
}

/** What is left where each element that stands in both lists is taken out of both. */
function withoutSame(before: JsonValue[], after: JsonValue[]): [JsonValue[], JsonValue[]] {
  const left = new Map<string, number>()
  for (const element of after) left.set(formOf(element), (left.get(formOf(element)) ?? 0) + 1)
  const taken = new Map<string, number>()
  const old = before.filter((element) => {
    const form = formOf(element)
    if (!left.get(form)) return true
    left.set(form, left.get(form)! - 1)
    taken.set(form, (taken.get(form) ?? 0) + 1)
    return false
  })
  const fresh = after.filter((element) => {
    const form = formOf(element)
    if (!taken.get(form)) return true
    taken.set(form, taken.get(form)! - 1)
    return false
  })
  return [old, fresh]
}

/** Headings as prompts have them: of Markdown, a tag that has its line to itself, a label in capitals that begins a line. */
const HEADING =
  /^(?:#{1,6}[ \t]+(?<title>\S.*)|<(?<tag>[A-Za-z][\w-]{0,60})>[ \t]*|(?<label>[A-Z][A-Z _-]{2,40}):(?<rest>.*))$/
const CLOSING = /^<\/[A-Za-z][\w-]{0,60}>[ \t]*$/

/** The parts of a text by their headings; '' has what stands below none. Those of one heading are one. */
function sectionsOf(text: string): Map<string, string> {
  const sections = new Map<string, string>([['', '']])
  let heading = ''
  let inCode = false
  for (const line of text.split('\n')) {
    if (line.trimStart().startsWith('```')) inCode = !inCode
    const { title, tag, label, rest } = (inCode ? null : HEADING.exec(line.trimEnd()))?.groups ?? {}
    const found = title?.replace(/[*_`#]+/g, '').replace(/:?\s*$/, '') ?? tag ?? label
    if (found !== undefined) heading = found.trim().slice(0, 80).toWellFormed()
    const words = found === undefined ? line : (rest ?? '')
    sections.set(heading, `${sections.get(heading) ?? ''}${words.trimEnd()}\n`)
    if (!inCode && CLOSING.test(line)) heading = ''
  }
  return new Map([...sections].map(([name, words]) => [name, words.trim()]))
}
