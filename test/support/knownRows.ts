import { randomUUID } from 'node:crypto'

type Values = readonly unknown[]

/** Values of the right form for each scalar that nothing better is known for. */
const PLAIN: Readonly<Record<string, Values>> = {
  String: ['a text of some length', 'search', 'Do something else.'],
  ID: [],
  Int: [1, 2, 3],
  SafeInt: [0, 1, 2, 3],
  Float: [0, 0.25, 0.5, 1],
  Usd: [0, 0.125, 1.5],
  Boolean: [true, false],
  DateTime: ['2026-01-15T12:00:00.000Z', '2026-03-01T00:00:00+01:00'],
  UUID: [],
  JSON: [{ a: 1 }, [1, 2], 'text', 1, null],
  JSONObject: [{ a: 1 }, {}],
}

const JSON_VALUES: Values = [
  null,
  'text',
  'K',
  0.1 + 0.2,
  0.3,
  1e-7,
  5e-324,
  [],
  {},
  '',
  0,
  'gpt-4',
  { a: 1 },
]

/** Arguments and input fields that no field of the answers has the name of. */
const BY_NAME: Readonly<Record<string, Values | ((known: KnownRows) => Values)>> = {
  configVersionId: (known) => known.under('versionId'),
  before: (known) => known.under('versionId'),
  after: (known) => known.under('versionId'),
  scenarioIds: (known) => known.under('scenarioId'),
  sourceId: (known) => known.under('simulationId'),
  first: [0, 1, 2, 3, 5, 10],
  last: [0, 1, 2, 3, 5],
  yaml: [
    'model: gpt-4\ntemperature: 0.5\n',
    'model: x\ntemperature: 1\ntools: [search]\n',
    '{"model": "y", "temperature": 0}',
  ],
  results: [
    {
      scenario: { id: 'refund', name: 'refund', task_prompt: 'Do refund.' },
      trajectory: { status: 'success', execution_time_seconds: 1.5, token_usage: { total: 5 } },
      reliability_score: { overall_score: 0.5 },
    },
    { scenario: { id: 'made on the way', task_prompt: 'Do it.' }, trajectory: {}, error: 'ValueError: no' },
  ],
  score: [1, 2, 3, 4, 5],
  text: ['%', 'took', 'It took 17', '_', "it's", '\\'],
  search: ['"took 17"', 'took or half', 'fail -took', "it's"],
  path: ['k', 'list', '0', '', 'none', 'small', 'messages', '-1', 'a"b\\c\u2028'],
  metadata: JSON_VALUES,
  parsedConfig: JSON_VALUES,
  afterSeq: [0],
}

const NEW_KEYS = ['CreateConfigurationInput.configId', 'StartSimulationInput.simulationId']

/** What rows of its tenant and of another hold, by the names of fields: what arguments of these names are given. */
export class KnownRows {
  readonly #own = new Map<string, unknown[]>()
  readonly #ownIds = new Map<string, unknown[]>()
  readonly #strangers = new Map<string, unknown[]>()
  readonly #cursors = new Map<string, string[]>()
  readonly #strangersCursors: string[] = []

  /** Takes in an answer of the tenant itself. */
  learn(answer: unknown): void {
    this.#walk(answer, this.#own)
  }

  /** Takes in cursors of a list of `type` in the order `order`; '' for the one that is not named. */
  learnCursors(type: string, order: string, cursors: string[]): void {
    this.#cursors.set(`${type} ${order}`, cursors)
  }

  cursorsOf(type: string, order: string): Values {
    return this.#cursors.get(`${type} ${order}`) ?? []
  }

  /** Takes in an answer of another tenant. */
  learnOfStranger(answer: unknown): void {
    this.#walk(answer, this.#strangers)
  }

  under(name: string): Values {
    return sorted(this.#own.get(name) ?? [])
  }

  /** What fits; with `ofType` global ids of that type. */
  valuesFor(coordinate: string, name: string, type: string, ofType?: string): Values {
    if (type === 'ID') return (ofType && this.#ownIds.get(ofType)) || this.under('id')
    // A new row wants a key of its own.
    if (NEW_KEYS.includes(coordinate)) return [randomUUID()]
    const told = BY_NAME[name]
    const values = (typeof told === 'function' ? told(this) : told)?.filter((value) => fits(type, value))
    if (values?.length) return values
    const own = this.under(name).filter((value) => fits(type, value))
    if (own.length > 0) return own
    return PLAIN[type] && PLAIN[type].length > 0 ? PLAIN[type] : this.under('simulationId')
  }

  /** What another tenant has under the name, and what belongs elsewhere. */
  hostileFor(name: string, type: string): Values {
    if (type === 'ID') return sorted(this.#strangers.get('id') ?? [])
    if (type === 'String' && (name === 'after' || name === 'before'))
      return [...this.#strangersCursors, ...[...this.#cursors.values()].flat()]
    if (type !== 'UUID') return []
    return [...this.#strangers].flatMap(([field, values]) =>
      // A message may say again what it was given.
      field === 'user_id' ? [] : sorted(values.filter((value) => fits('UUID', value))),
    )
  }

  #walk(answer: unknown, into: Map<string, unknown[]>): void {
    if (Array.isArray(answer)) for (const item of answer) this.#walk(item, into)
    else if (answer !== null && typeof answer === 'object') {
      const { __typename, id } = answer as { __typename?: string; id?: string }
      if (__typename && id && into === this.#own) push(this.#ownIds, __typename, id)
      for (const [name, value] of Object.entries(answer)) {
        if (name === 'cursor') this.#strangersCursors.push(value)
        else if (Array.isArray(value) && typeof value[0] === 'string')
          for (const item of value) push(into, name, item)
        else if (value !== null && typeof value !== 'object') push(into, name, value)
        this.#walk(value, into)
      }
    }
  }
}

const MOST_VALUES = 40

function push(map: Map<string, unknown[]>, name: string, value: unknown): void {
  const values = map.get(name) ?? []
  map.set(name, values)
  if (values.length < MOST_VALUES && !values.includes(value)) values.push(value)
}

/** Rows of one millisecond come in the order of their ids, which no seed repeats. */
const sorted = (values: Values): Values => values.toSorted((a, b) => (String(a) < String(b) ? -1 : 1))

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

function fits(type: string, value: unknown): boolean {
  switch (type) {
    case 'UUID':
      return typeof value === 'string' && UUID.test(value)
    case 'DateTime':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)
    case 'String':
      return typeof value === 'string'
    case 'Int':
    case 'SafeInt':
      return Number.isInteger(value)
    case 'Float':
    case 'Usd':
      return typeof value === 'number'
    case 'Boolean':
      return typeof value === 'boolean'
    case 'JSON':
      return true
    case 'JSONObject':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    default:
      return false
  }
}
