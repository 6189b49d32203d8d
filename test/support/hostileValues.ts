/** Values of each scalar that clients send by mistake or on purpose. */

/** Source of a literal that JavaScript has no number for. */
export class RawLiteral {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toJSON(): unknown {
    return this.text
  }
}

const TEXTS: readonly unknown[] = [
  '',
  ' ',
  '\u0000',
  'before\u0000after',
  '\ud800',
  'half a pair \udfff',
  '\u202eright to left',
  'مرحبا بالعالم',
  'e\u0301\u0301\u0301\u0301 ẛ̣',
  '👩‍👩‍👧‍👦',
  '\ufeff\u200b\u2028',
  'x'.repeat(20_000),
  `'; drop table store.outcomes; --`,
  `' or '1'='1`,
  '$1 $2 {{7*7}}',
  '%',
  '_',
  '\\',
  '%_\\%',
  '*',
  '{"a": 1',
  '[]',
  'null',
  'NaN',
  'Infinity',
  '-Infinity',
  '../../etc/passwd',
  '<script>alert(1)</script>',
  '\t\r\n',
  '00000000-0000-0000-0000-000000000000',
  'infinity',
  'WyJjcmVhdGVkQXQiLCJpbmZpbml0eSIsImEiXQ',
  7,
  true,
  ['a', 'b'],
  { a: 1 },
]

const INTEGERS: readonly unknown[] = [
  0,
  -0,
  -1,
  500,
  501,
  32_767,
  32_768,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  2 ** 53,
  new RawLiteral('9223372036854775807'),
  new RawLiteral('9223372036854775808'),
  new RawLiteral('-9223372036854775809'),
  new RawLiteral('1'.repeat(400)),
  1.5,
  '1',
  'NaN',
  true,
]

const FLOATS: readonly unknown[] = [
  ...INTEGERS,
  1e308,
  -1e308,
  5e-324,
  1e-7,
  0.1 + 0.2,
  new RawLiteral('1e400'),
  new RawLiteral('-1e400'),
  'Infinity',
]

const TIMES: readonly unknown[] = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '1969-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-14:00',
  '+275760-09-13T00:00:00.000Z',
  '-000001-01-01T00:00:00Z',
  '-271821-04-20T00:00:00.000Z',
  '2026-02-30T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T23:59:60Z',
  '2026-01-01T00:00:00.123456789Z',
  '2026-01-01T00:00:00+23:59',
  '2026-01-01',
  'infinity',
  '-infinity',
  'now',
  '',
  0,
  8.64e15,
  1e300,
  true,
]

const UUIDS: readonly unknown[] = [
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '12345678-1234-1234-1234-12345678901',
  '{01890000-0000-7000-8000-000000000000}',
  '01890000000070008000000000000000',
  '01890000-0000-7000-8000-00000000000g',
  '01890000-0000-7000-8000-000000000000\u0000',
  `01890000-0000-7000-8000-000000000000' --`,
  '',
  0,
  [],
]

const GLOBAL_IDS: readonly unknown[] = [
  '',
  'garbage',
  '\u0000',
  ...[
    'Simulation:',
    'Simulation:garbage',
    'Simulation:00000000-0000-7000-8000-000000000000',
    'Outcome:\u0000',
    'Scenario:\u0000',
    'Scenario:%',
    'Query:1',
    'Nothing:1',
    'OutcomeConnection:1',
    '__proto__:1',
    'SimulationScenario:["a"]',
    'SimulationScenario:["00000000-0000-7000-8000-000000000000","a",1]',
    'SimulationScenario:["00000000-0000-7000-8000-000000000000","\\u0000",1]',
    'SimulationScenario:["00000000-0000-7000-8000-000000000000","a",99999999999]',
    'SimulationScenario:["00000000-0000-7000-8000-000000000000","a",1e400]',
    'SimulationScenario:{"simulationId":"a"}',
    'SimulationScenario:null',
    ':::',
  ].map((text) => Buffer.from(text).toString('base64')),
  1,
  -1,
  2 ** 53,
]

const nested = (depth: number): unknown => (depth === 0 ? [] : { a: nested(depth - 1) })

const TREES: readonly unknown[] = [
  {},
  [],
  '',
  0,
  true,
  { a: '\u0000' },
  { '\u0000': 1 },
  { a: '\ud800' },
  { '\udc00': 1 },
  { '': { '': [] } },
  { constructor: { prototype: { polluted: true } } },
  JSON.parse('{"__proto__": {"polluted": true}}'),
  { a: 1e308, b: 5e-324, c: 2 ** 60 },
  { scenario: null, trajectory: [] },
  { scenario: { id: '\u0000', name: 7, task_prompt: {} }, trajectory: 'x', reliability_score: 'high' },
  { start_time: 'infinity', status: {}, steps: 'none', token_usage: { total: -1 } },
  { start_time: 8.64e15, end_time: -1, messages: [null, 1, { role: [] }] },
  nested(90),
  nested(600),
  Array.from({ length: 2_000 }, (_, index) => index),
]

/** By the name of the scalar. */
export const HOSTILE_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  String: TEXTS,
  ID: GLOBAL_IDS,
  Int: INTEGERS,
  SafeInt: INTEGERS,
  Float: FLOATS,
  Usd: FLOATS,
  Boolean: ['true', 0, 1, 'yes'],
  DateTime: TIMES,
  UUID: UUIDS,
  JSON: TREES,
  JSONObject: TREES,
}
