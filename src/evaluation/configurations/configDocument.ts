import { hash } from 'node:crypto'
import type { Alias, CST, ErrorCode, Node, ParsedNode, Scalar, YAMLMap } from 'yaml'
import { Composer, CST as Cst, isAlias, isMap, isScalar, isSeq, Lexer, Parser, visit } from 'yaml'
import { isExact, zerosOf } from '../../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue, MAX_KEY_LENGTH } from '../../json.ts'
import { type InputPath, Refusal } from '../../refusal.ts'
import { indexOfUnstorable, isLongerThan, lengthOf, shorten } from '../../text.ts'
import { BYTES, checkBytes, LENGTHS, MAX_TEMPERATURE } from '../../valueChecks.ts'
import { countSecrets } from '../redaction/redaction.ts'

/** What is stored of one configuration's YAML, beside the text itself. */
export interface ConfigDocument {
  /**
   * The YAML as a JSON tree, with top-level `model` and `temperature` normalised. A top-level `model` that is
   * a mapping is kept whole as `model_as_written`; everything else stays where it was.
   */
  parsedConfig: JsonObject
  /** SHA-256 of the exact UTF-8 bytes, 64 lowercase hex digits. */
  configHash: string
  /** As the configuration spells it, a provider's prefix included, e.g. `openai:gpt-4.1-mini`. */
  model: string
  /** 0 to 2; null leaves it to the provider's default. */
  temperature: number | null
  /** What the tree doesn't say as the text does, in whole sentences. */
  warnings: string[]
}

/** Values in the tree, after aliases are expanded: a "billion laughs" text of a few lines has 10⁹. */
const MAX_NODES = 200_000
/** Characters of keys, texts and the zeros of numbers in the tree: aliases and exponents make it larger than the YAML. */
const MAX_TREE_CHARACTERS = 4 * BYTES.document
const MAX_DEPTH = 100
/** The parser spends up to 2 µs and 500 bytes on each, and a pair of a key and a value has at most 8. */
const MAX_LEXEMES = 1_000_000
/** A level of the tree takes one or two entries of the parser's stack, which is walked recursively afterwards. */
const MAX_PARSER_STACK = 2 * MAX_DEPTH + 10
const MAX_REMARKS = 20
const MAX_REMARK_LENGTH = 200
/** Characters of a tag, an anchor, an alias or a directive: the library keeps them as keys, and puts a prefix before each tag. */
const MAX_NAME_LENGTH = 200
const NAMES: Partial<Record<CST.TokenType, string>> = {
  tag: 'tag',
  anchor: 'anchor',
  alias: 'alias',
  'directive-line': 'directive',
}

/** The library's faults that it names in terms of the YAML grammar, in plain words. */
const FAULTS: Partial<Record<ErrorCode, string>> = {
  BLOCK_AS_IMPLICIT_KEY:
    'A mapping or list begins inside a value: check the indentation, or quote a string with a colon',
  MULTILINE_IMPLICIT_KEY: 'A key without its colon on the same line',
  NON_STRING_KEY: 'A key must be a plain string: quote a value that begins with { or [, such as a template',
}
type FaultSource = number | readonly [number, ...number[]] | { offset: number }

/**
 * Where agent configurations name their model, in the order of the search. Each place holds a text, or a mapping
 * that has the name under one of MODEL_KEYS. At a place marked `vendor` a bare text like `openai` is who serves
 * the model: only a qualified one like `openai:gpt-4.1-mini` counts there.
 */
const MODEL_PLACES: readonly { path: InputPath; vendor?: true }[] = [
  { path: ['model'] }, // Arc, mini-swe-agent, OpenAI Agents SDK
  { path: ['model_name'] }, // LangChain
  { path: ['llm'] }, // CrewAI, LangChain
  { path: ['agent', 'model'] }, // SWE-agent
  { path: ['agent', 'model_name'] },
  { path: ['agent', 'llm'] },
  { path: ['agent_info', 'llm'] }, // tau2-bench
  { path: ['provider'], vendor: true },
  { path: ['providers'], vendor: true }, // promptfoo, as the next one
  { path: ['providers', 0], vendor: true },
  { path: ['config', 'model'] },
]
const MODEL_KEYS = ['model', 'model_name', 'model_id', 'name', 'id'] as const
const QUALIFIED = /^(?!file:|https?:|\.)[^:/]+[:/]/

/**
 * Under which mappings a temperature lies. They are tried in this order beside the model's name, then around
 * that, outwards to the top level; `temperature` at the top level itself goes before all.
 */
const TEMPERATURE_PLACES: readonly InputPath[] = [
  [],
  ['model_kwargs'], // mini-swe-agent, LangChain
  ['llm_args'], // tau2-bench
  ['config'], // promptfoo
  ['model_settings'], // OpenAI Agents SDK
  ['generate_config'], // Inspect
  ['generation_config'], // Gemini, Hugging Face
  ['parameters'],
  ['model'],
  ['model', 'model_kwargs'],
  ['llm'],
  ['agent'],
  ['agent', 'model'], // SWE-agent, when the model's name comes from elsewhere
]

/**
 * Reads a configuration as YAML 1.2 (core schema: dates and `yes` stay texts; `<<` merges). Tags that YAML doesn't
 * define are dropped, integers beyond ±2^53 become texts, decimals of more than some 16 digits the nearest number, NaN and
 * infinities null, each with a warning.
 *
 * @throws Refusal TOO_LARGE (more than 1 MiB, 200,000 values or 100 levels), YAML_INVALID, MODEL_MISSING, or
 *   INVALID_VALUE for a model or temperature that is none; its path starts with `yaml`.
 */
export function parseConfigDocument(rawYaml: string): ConfigDocument {
  checkBytes(rawYaml, BYTES.document, ['yaml'])
  const reader = new YamlReader(rawYaml)
  const tree = reader.read()
  const { model, path } = findModel(tree)
  const temperature = findTemperature(tree, path)
  const warnings = reader.warnings()
  if (path[0] === 'providers' && Array.isArray(tree.providers) && tree.providers.length > 1) {
    warnings.push(
      `Of ${tree.providers.length} providers the first one, ${excerpt(model)}, is used as the model.`,
    )
  }
  if (temperature === null) warnings.push('The temperature is not set: the default of the provider applies.')

  const parsedConfig: JsonObject = { ...tree, model, temperature }
  if (isJsonObject(tree.model)) {
    if (Object.hasOwn(tree, 'model_as_written')) {
      throw new Refusal(
        'INVALID_VALUE',
        'With a mapping under model, the key model_as_written is reserved by Arc.',
        ['yaml', 'model_as_written'],
      )
    }
    parsedConfig.model_as_written = tree.model
  }
  const secrets = countSecrets(rawYaml, parsedConfig)
  if (secrets > 0) {
    warnings.push(
      `The YAML seems to hold ${secrets === 1 ? 'a secret' : `${secrets} secrets`} (keys, tokens, passwords): ` +
        'it is stored as given, and shown to all who may read it.',
    )
  }
  const configHash = hash('sha256', rawYaml)
  return { parsedConfig, configHash, model, temperature, warnings }
}

/** The YAML as a JSON tree and nothing else: no key is added to it. @throws Refusal as `parseConfigDocument`, but for models and temperatures. */
export function readConfigTree(rawYaml: string): JsonObject {
  checkBytes(rawYaml, BYTES.document, ['yaml'])
  return new YamlReader(rawYaml).read()
}

function findModel(tree: JsonObject): { model: string; path: InputPath } {
  const written = tree.model
  if (typeof written === 'number' || typeof written === 'boolean' || Array.isArray(written)) {
    throw new Refusal(
      'INVALID_VALUE',
      `model must be a string or a mapping, but is ${kindOf(written)}: ${excerpt(written)}.`,
      ['yaml', 'model'],
    )
  }
  for (const place of MODEL_PLACES) {
    for (const key of [undefined, ...MODEL_KEYS]) {
      const path = key === undefined ? place.path : [...place.path, key]
      const value = valueAt(tree, path)
      if (typeof value !== 'string' || value.trim() === '') continue
      if (place.vendor && !key?.startsWith('model') && !QUALIFIED.test(value)) continue
      // As an outcome's model.
      if (isLongerThan(value, LENGTHS.label.max)) {
        throw new Refusal(
          'INVALID_VALUE',
          `${dotted(path)} has ${lengthOf(value)} characters; the name of a model has at most ${LENGTHS.label.max}.`,
          ['yaml', ...path],
        )
      }
      return { model: value, path }
    }
  }
  const places = MODEL_PLACES.map((place) => dotted(place.path)).join(', ')
  throw new Refusal(
    'MODEL_MISSING',
    `The configuration names no model: add one as model at the top level. Looked in ${places}: each a string, ` +
      `or a mapping with one of ${MODEL_KEYS.join(', ')}.`,
    ['yaml'],
  )
}

function findTemperature(tree: JsonObject, modelPath: InputPath): number | null {
  const scopes = modelPath.map((_, steps) => modelPath.slice(0, steps)).reverse()
  const around = scopes.flatMap((scope) => TEMPERATURE_PLACES.map((place) => [...scope, ...place]))
  for (const holder of [[], ...around]) {
    const path = [...holder, 'temperature']
    const value = valueAt(tree, path)
    if (value === undefined || value === null) continue
    if (typeof value === 'number' && value >= 0 && value <= MAX_TEMPERATURE) return value
    throw new Refusal(
      'INVALID_VALUE',
      `${dotted(path)} must be a number between 0 and ${MAX_TEMPERATURE}, but is ${excerpt(value)}.`,
      ['yaml', ...path],
    )
  }
  return null
}

function valueAt(tree: JsonObject, path: InputPath): JsonValue | undefined {
  let value: JsonValue | undefined = tree
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as { [step: string | number]: JsonValue })[step]
  }
  return value
}

/** Turns a YAML text into a JSON tree that PostgreSQL's jsonb can hold, in time and memory linear in its length. */
class YamlReader {
  private readonly text: string
  private readonly targets = new Map<Alias, Node | undefined>()
  private readonly remarks = new Map<string, { sentence: string; offset: number }>()
  private omittedRemarks = 0
  private nodes = 0
  private characters = 0

  constructor(text: string) {
    this.text = text
  }

  read(): JsonObject {
    const found = unstorable(this.text)
    if (found) throw this.invalid(found.offset, found.reason)
    const contents = this.compose()
    if (!contents) throw new Refusal('YAML_INVALID', 'The YAML is empty.', ['yaml'])
    this.bindAliases(contents)
    const tree = this.value(contents, 1)
    if (isJsonObject(tree)) return tree
    throw this.invalid(contents, `The top level must be a mapping of keys to values, but is ${kindOf(tree)}`)
  }

  /** What the tree doesn't say as the text does. */
  warnings(): string[] {
    const warnings = [...this.remarks.values()].map(({ offset, sentence }) => this.located(offset, sentence))
    return this.omittedRemarks
      ? [...warnings, `${this.omittedRemarks} more warnings are left out.`]
      : warnings
  }

  private compose(): ParsedNode | null | undefined {
    const composer = new Composer({
      schema: 'core',
      resolveKnownTags: false,
      stringKeys: true,
      intAsBigInt: true,
      // The library compares each key with all before it, minutes for 100,000 keys; mapping() has a Map.
      uniqueKeys: false,
    })
    // The library collects faults and goes on, 11 s for 1 MiB of them; the first one is enough. It also catches what
    // is thrown inside a collection and reports that as one more, so the first is remembered.
    let first: Refusal | undefined
    const onError = (source: FaultSource, code: ErrorCode, message: string, warning?: boolean): void => {
      const offset = typeof source === 'number' ? source : 'offset' in source ? source.offset : source[0]
      if (warning) {
        this.remark(
          offset,
          code === 'TAG_RESOLVE_FAILED' ? `${message}; its value is stored without it` : message,
        )
        return
      }
      first ??= this.invalid(offset, FAULTS[code] ?? message)
      throw first
    }
    Object.assign(composer, { onError })
    const [document] = composer.compose(this.tokens())
    const fault = document?.errors[0]
    if (fault) throw this.invalid(fault.pos[0], fault.message)
    if (document?.directives.yaml.version === '1.1') this.remark(0, 'YAML 1.1 is read as YAML 1.2')
    return document?.contents
  }

  private *tokens(): Generator<CST.Token> {
    let documents = 0
    for (const token of this.boundedTokens()) {
      if (token.type === 'error') throw this.invalid(token.offset, token.message)
      if (token.type === 'document' && ++documents > 1) {
        throw this.invalid(token.offset, 'A second document begins; a configuration is one document')
      }
      yield token
    }
  }

  private *boundedTokens(): Generator<CST.Token> {
    const parser = new Parser()
    let lexemes = 0
    let isText = false
    for (const lexeme of new Lexer().lex(this.text)) {
      const type: CST.TokenType | null = isText ? null : Cst.tokenType(lexeme)
      const name = type && NAMES[type]
      if (name && lexeme.length > MAX_NAME_LENGTH) {
        throw this.invalid(
          parser.offset,
          `The ${name} has ${lengthOf(lexeme)} characters, but must have at most ${MAX_NAME_LENGTH}`,
        )
      }
      isText = type === 'scalar'
      yield* parser.next(lexeme)
      if (++lexemes > MAX_LEXEMES) throw tooLarge(`The YAML has more than ${MAX_LEXEMES} words and symbols.`)
      if (parser.stack.length > MAX_PARSER_STACK) throw tooDeep()
    }
    yield* parser.end()
  }

  /** An alias means the last anchor of its name before it, which can't be told any more while expanding others. */
  private bindAliases(contents: ParsedNode): void {
    const anchors = new Map<string, Node>()
    visit(contents, {
      Node: (_key, node) => {
        if (isAlias(node)) this.targets.set(node, anchors.get(node.source))
        else if (node.anchor) anchors.set(node.anchor, node)
      },
    })
  }

  private value(node: Node | null, depth: number): JsonValue {
    if (isAlias(node)) {
      const target = this.targets.get(node)
      if (!target)
        throw this.invalid(node, `The alias *${node.source} has no anchor &${node.source} before it`)
      return this.value(target, depth)
    }
    if (depth > MAX_DEPTH) throw tooDeep()
    if (++this.nodes > MAX_NODES) {
      throw tooLarge(`The YAML has more than ${MAX_NODES} values, each use of an alias counted.`)
    }
    if (isScalar(node)) return this.scalar(node)
    if (isSeq<Node | null>(node)) return node.items.map((item) => this.value(item, depth + 1))
    if (isMap<Scalar<string>, Node | null>(node)) return this.mapping(node, depth)
    return null
  }

  private mapping(node: YAMLMap<Scalar<string>, Node | null>, depth: number): JsonObject {
    const own = new Map<string, JsonValue>()
    let merged: JsonObject | undefined
    for (const { key: keyNode, value } of node.items) {
      const key = this.storable(keyNode, keyNode.value)
      const isMerge = key === '<<' && keyNode.type === 'PLAIN'
      if (key === '' && keyNode.type === 'PLAIN')
        throw this.invalid(keyNode, 'A key is missing before the colon')
      if (isLongerThan(key, MAX_KEY_LENGTH)) {
        throw this.invalid(
          keyNode,
          `A key has ${lengthOf(key)} characters, but must have at most ${MAX_KEY_LENGTH}`,
        )
      }
      if (isMerge ? merged : own.has(key)) {
        throw this.invalid(keyNode, `The key ${excerpt(key)} occurs twice in one mapping`)
      }
      if (isMerge) merged = this.merge(keyNode, this.value(value, depth + 1))
      else own.set(key, this.value(value, depth + 1))
    }
    // fromEntries and spreading define properties where an assignment to `__proto__` would set the prototype.
    return { ...merged, ...Object.fromEntries(own) }
  }

  /** https://yaml.org/type/merge.html: of the merged mappings an earlier one goes before a later one. */
  private merge(keyNode: Node, value: JsonValue): JsonObject {
    const sources = Array.isArray(value) ? value.toReversed() : [value]
    if (!sources.every(isJsonObject)) throw this.invalid(keyNode, '<< needs a mapping or a list of mappings')
    return Object.fromEntries(sources.flatMap(Object.entries<JsonValue>))
  }

  private scalar(node: Scalar): JsonValue {
    const { value } = node
    if (typeof value === 'string') return this.storable(node, value)
    if (typeof value === 'boolean') return value
    if (typeof value === 'bigint') {
      // Compared before converted: a million digits take 100 ms, and an alias could repeat that 10,000 times.
      if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return Number(value)
      this.remark(offsetOf(node), 'An integer beyond ±2^53 is stored as a string')
      return this.storable(node, node.source ?? String(value))
    }
    if (typeof value === 'number') {
      // jsonb has no negative zero: a tree would differ from itself once stored.
      if (Number.isFinite(value)) {
        const source = node.source ?? String(value)
        this.count(Math.max(zerosOf(value), source.length))
        if (!isExact(asInJson(source))) {
          this.remark(offsetOf(node), `A number with more digits than are kept is stored as ${value}`)
        }
        return value === 0 ? 0 : value
      }
      this.remark(offsetOf(node), 'A number that is not finite is stored as null')
    }
    return null
  }

  private count(characters: number): void {
    this.characters += characters
    if (this.characters > MAX_TREE_CHARACTERS) {
      throw tooLarge(
        `The YAML's aliases, and its numbers written out, make it longer than ${MAX_TREE_CHARACTERS} characters.`,
      )
    }
  }

  private storable(node: Node, text: string): string {
    this.count(text.length)
    const found = unstorable(text)
    if (found) throw this.invalid(node, found.reason)
    return text
  }

  /** Keeps a warning: each once, because an alias repeats what its anchor says, and not too many. */
  private remark(offset: number, sentence: string): void {
    const said = shorten(sentence, MAX_REMARK_LENGTH)
    const key = `${offset} ${said}`
    if (this.remarks.has(key)) return
    if (this.remarks.size < MAX_REMARKS) this.remarks.set(key, { offset, sentence: said })
    else this.omittedRemarks++
  }

  private invalid(place: Node | number, reason: string): Refusal {
    const offset = typeof place === 'number' ? place : offsetOf(place)
    return new Refusal('YAML_INVALID', this.located(offset, reason), ['yaml'])
  }

  private located(offset: number, sentence: string): string {
    const lines = this.text.slice(0, offset).split('\n')
    const column = (lines.at(-1)?.length ?? 0) + 1
    return `Line ${lines.length}, column ${column}: ${shorten(sentence, MAX_REMARK_LENGTH)}.`
  }
}

/** A decimal number of YAML, which may begin with a plus or a point and end with a point. */
function asInJson(decimal: string): string {
  return decimal.replace(/^\+/, '').replace(/^(?=\.)|(?<=^-)(?=\.)/, '0')
}

/** PostgreSQL's text and jsonb have no U+0000, and UTF-8 no half of a surrogate pair. */
function unstorable(text: string): { offset: number; reason: string } | undefined {
  const offset = indexOfUnstorable(text)
  if (offset < 0) return undefined
  const hex = text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, '0')
  return { offset, reason: `A string with the character U+${hex} cannot be stored` }
}

function tooLarge(message: string): Refusal {
  return new Refusal('TOO_LARGE', message, ['yaml'])
}

function tooDeep(): Refusal {
  return tooLarge(
    `The YAML is nested more than ${MAX_DEPTH} levels deep, or an alias lies within its own anchor.`,
  )
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0
}

function dotted(path: InputPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .slice(1)
}

function excerpt(value: JsonValue): string {
  return shorten(JSON.stringify(value), 61)
}

function kindOf(value: JsonValue): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object'
    ? 'a mapping'
    : typeof value === 'string'
      ? 'a string'
      : `a ${typeof value}`
}
