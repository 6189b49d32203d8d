import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { MinilmProvider } from '../../../src/embedding/minilmProvider.ts'
import { configurationText } from '../../../src/embedding/texts/configurationText.ts'
import { storedModel } from '../../../src/embedding/texts/embeddedText.ts'
import { failureText } from '../../../src/embedding/texts/failureText.ts'
import { scenarioText } from '../../../src/embedding/texts/scenarioText.ts'
import { trajectoryText } from '../../../src/embedding/texts/trajectoryText.ts'
import { parseConfigDocument } from '../../../src/evaluation/configurations/configDocument.ts'
import { readResultFile } from '../../../src/importers/resultFile.ts'
import type { JsonObject, JsonValue } from '../../../src/json.ts'
import { withSharedData } from '../../support/sharedData.ts'

const provider = new MinilmProvider()
afterAll(() => provider.close())

async function similarities(asked: string, others: readonly string[]): Promise<number[]> {
  const [vector, ...vectors] = (await provider.embed([asked, ...others])) as Float32Array[]
  return vectors.map((other) => cosine(vector!, other))
}

function cosine(one: Float32Array, other: Float32Array): number {
  return one.reduce((sum, value, at) => sum + value * other[at]!, 0)
}

const failure = (
  errorMessage: string | null,
  failureType = 'unknown',
  failureCategory = 'unknown' as const,
) => failureText.of({ failureType, failureCategory, errorMessage })

describe('the text of a failure', () => {
  it.each([
    [
      'Plan P1006 not found for user 4e8f3b1c-9a52-4f0e-8d4b-6a1b2c3d4e5f',
      'unknown',
      'Plan P not found for user id',
    ],
    [
      'GET https://api.example/x?id=7 at 2024-05-01T10:00:00Z gave HTTP 503',
      'unknown',
      'GET url at time gave HTTP 503',
    ],
    ["KeyError: 'user_id'", 'KeyError', "Key error: 'user id'"],
    [null, 'rate_limit_exceeded', 'rate limit exceeded'],
    ['slow down', 'rate_limit_exceeded', 'rate limit exceeded: slow down'],
    [
      'Traceback (most recent call last):\n  File "/srv/timeout.py", line 4, in run\n    call()\nValueError: no plan',
      'ValueError',
      'value error: no plan',
    ],
    [
      `The name "${'long '.repeat(20)}" does not belong to what was asked for in the beginning`,
      'unknown',
      'The name … does not belong to what was asked for in the beginning',
    ],
  ])('%j, %s', (message, type, text) => {
    expect(failure(message, type).toLowerCase()).toBe(text.toLowerCase())
  })

  it.each([
    [
      'connection to 10.0.0.7:5432 refused',
      'connection to 192.168.3.9:6379 refused',
      'certificate of 10.0.0.7:5432 expired',
    ],
    [
      'user mia_li_3668 not found',
      'user omar_rossi_1241 not found',
      'user mia_li_3668 may not cancel this booking',
    ],
    [
      'FileNotFoundError: /srv/acme/billing/run-81/a.csv',
      'FileNotFoundError: /tmp/x/reports/2024-01-02/final.csv',
      'MemoryError while reading /srv/acme/billing/run-81/a.csv',
    ],
    [
      'TimeoutError: get_weather for "Zurich Oerlikon" took 31 s',
      'TimeoutError: get_weather for "New Orleans" took 44 s',
      'ValidationError: get_weather for "Zurich Oerlikon" needs a date',
    ],
  ])('%s: nearer to the same with other names than to another with the same', async (asked, alike, other) => {
    const [near, far] = await similarities(failure(asked), [failure(alike), failure(other)])
    expect(near).toBeGreaterThan(far! + 0.1)
  })
})

/** Chat messages of a run: calls as `tool(argument)`, an `!` behind one that failed. */
function run(names: readonly [string, string], task: string, steps: string, last: string): string {
  const filled = (text: string) => text.replaceAll('A', names[0]).replaceAll('B', names[1])
  const messages = steps.split(' ').flatMap((step, at): JsonObject[] => {
    const call = {
      id: `${at}`,
      function: { name: step.replace('!', ''), arguments: JSON.stringify({ who: names[0], what: names[1] }) },
    }
    const content = step.endsWith('!')
      ? `Error: ${names[1]} cannot be changed`
      : `${names[0]} has ${names[1]}`
    return [
      { role: 'assistant', content: filled('Looking at B of A'), tool_calls: [call] },
      { role: 'tool', tool_call_id: `${at}`, content },
    ]
  })
  return trajectoryText.of({
    trajectory: {
      messages: [
        { role: 'user', content: filled(task) },
        ...messages,
        { role: 'assistant', content: filled(last) },
      ],
    },
    status: steps.endsWith('!') ? 'error' : 'success',
    taskPrompt: filled(task),
  })
}

describe('the text of a trajectory', () => {
  it('says what was done, and leaves out for whom', () => {
    expect(
      run(
        ['mia_li_3668', 'HGTR45'],
        'You are A and want to change B.',
        'getUser find find find! change!',
        'I could not change B for A.',
      ),
    ).toBe(
      'Steps: get user, 3 × find (1 failed: Error: … cannot be changed), change (failed: Error: … cannot be changed).\n' +
        'Ended with error.\nTask: You are … and want to change ….\nLast: I could not change … for ….',
    )
  })

  it.each<[string, JsonValue, string]>([
    [
      'no tools',
      { messages: [{ role: 'assistant', content: [{ type: 'text', text: 'Yes.' }] }] },
      'No tools.\nEnded with success.\nLast: Yes.',
    ],
    [
      'a shell',
      {
        messages: [
          {
            role: 'assistant',
            content: '',
            tool_calls: [{ function: { name: 'bash', arguments: '{"command":"cd /x && grep -rn y ."}' } }],
          },
        ],
      },
      'Steps: bash grep.\nEnded with success.',
    ],
    [
      'steps',
      { steps: [{ action: 'open a.py', thought: 'First I look.' }] },
      'Steps: open.\nEnded with success.\nLast: First I look.',
    ],
    [
      'arguments that are no JSON',
      {
        messages: [
          { role: 'assistant', content: 'x', tool_calls: [{ function: { name: 'f', arguments: '{"a' } }] },
        ],
      },
      'Steps: f.\nEnded with success.\nLast: x',
    ],
    ['a text', { text: 'all of it' }, 'No tools.\nEnded with success.\nLast: all of it'],
    ['a list', ['a'], 'No tools.\nEnded with success.'],
    ['nothing', null, 'No tools.\nEnded with success.'],
  ])('of %s', (_, trajectory, text) => {
    expect(trajectoryText.of({ trajectory, status: 'success' })).toBe(text)
  })

  it('is bounded, and has the beginning and the end', () => {
    const steps = Array.from({ length: 500 }, (_, at) => ({
      action: `tool${at % 2 === 0 ? 'Even' : 'Odd'}${'x'.repeat(80)}`,
      thought: 'y'.repeat(9_000),
    }))
    const text = trajectoryText.of({
      trajectory: { steps: [{ action: 'begin' }, ...steps, { action: 'submit' }] },
      status: 'error',
      error: 'z '.repeat(9_000),
      taskPrompt: 'w '.repeat(9_000),
    })
    expect(text).toMatch(/^Steps: begin, .*478 more.*submit\./)
    expect(text.length).toBeLessThan(4_000)
  })

  const MIA = ['mia_li_3668', 'HGTR45'] as const
  const OMAR = ['omar_rossi_1241', 'Q69X3R'] as const
  const REBOOK: [string, string, string] = [
    'You are A and want an earlier flight instead of B',
    'get_user get_booking search search search update',
    'B was changed to an earlier flight',
  ]
  const REFUSED: [string, string, string] = [
    'You are A and want B cancelled without a fee',
    'get_user get_booking transfer_to_human',
    'I cannot cancel B, a colleague will help you',
  ]
  const STUCK: [string, string, string] = [
    'You are A and want to pay for B',
    'get_user pay! pay! pay! pay!',
    'The payment for B failed again',
  ]
  it.each([
    ['a changed booking', REBOOK, REFUSED],
    ['one handed over', REFUSED, REBOOK],
    ['a payment that fails', STUCK, REBOOK],
    ['one changed, and one not paid', REBOOK, STUCK],
  ])('%s: nearer to the same for another than to something else for the same', async (_, did, else_) => {
    const [near, far] = await similarities(run(MIA, ...did), [run(OMAR, ...did), run(MIA, ...else_)])
    expect(near).toBeGreaterThan(far! + 0.1)
  })
})

withSharedData('the text of real trajectories', (folder) => {
  it('is nearer to the same run of another customer than to another run of the same', async () => {
    const file = fileURLToPath(new URL('taubench/gpt-4o-airline.tasks00-19.json', folder))
    const { runs } = await readResultFile(file)
    const [run] = runs
    const prompts = new Map(run!.scenarios.map((scenario) => [scenario.externalId, scenario.taskPrompt]))
    const read = run!.outcomes.slice(0, 5).map((outcome) => {
      const taskPrompt = prompts.get(outcome.scenarioExternalId)!
      return { outcome, taskPrompt, user: /[a-z]+_[a-z]+_\d{4}/.exec(JSON.stringify(outcome.trajectory))![0] }
    })
    const textOf = ({ outcome, taskPrompt, user }: (typeof read)[number], customer: string) => {
      const [first, last] = customer.split('_')
      const [had, hadLast] = user.split('_')
      const renamed = (text: string) =>
        text
          .replaceAll(user, customer)
          .replaceAll(title(had!), title(first!))
          .replaceAll(title(hadLast!), title(last!))
      const trajectory = JSON.parse(renamed(JSON.stringify(outcome.trajectory))) as JsonValue
      return trajectoryText.of({
        trajectory,
        status: outcome.status,
        error: outcome.error,
        taskPrompt: renamed(taskPrompt),
      })
    }
    const texts = read.flatMap((asked, at) => [
      textOf(asked, asked.user),
      textOf(asked, 'zoe_kowalski_7712'),
      textOf(read[(at + 1) % read.length]!, asked.user),
    ])
    const vectors = (await provider.embed(texts)) as Float32Array[]
    for (let at = 0; at < vectors.length; at += 3) {
      const [asked, renamed, other] = vectors.slice(at, at + 3)
      expect(cosine(asked!, renamed!)).toBeGreaterThan(cosine(asked!, other!) + 0.03)
    }
  }, 120_000)
})

/** Some of SWE-agent's name no model of their own. */
function configDocument(yaml: string) {
  try {
    return parseConfigDocument(yaml)
  } catch {
    return parseConfigDocument(`model_name: m\n${yaml}`)
  }
}

const title = (name: string) => name[0]!.toUpperCase() + name.slice(1)

describe('the text of a scenario', () => {
  it('says its name, what it asks for and what is expected, and of a long prompt both ends', () => {
    expect(
      scenarioText.of({
        name: 'Refund of order 4711',
        taskPrompt: 'Refund order #W2378156 to the card.',
        expectedTools: [{ name: 'find_order' }, 'refundOrder', { function: { name: 'notify' } }],
        groundTruth: { state: { refunded: true, amount_usd: 12.5 }, note: null },
      }),
    ).toBe(
      'Refund of order\nRefund order #W to the card.\nExpected tools: find order, refund order, notify\n' +
        'Expected: refunded true, amount usd',
    )
    const long = scenarioText.of({
      name: 'n',
      taskPrompt: `You begin. ${'same for all '.repeat(900)} Write a poem.`,
    })
    expect(long).toMatch(/^n\nYou begin\..*Write a poem\.$/s)
    expect(long.length).toBeLessThan(1_600)
  })
})

describe('the text of a configuration version', () => {
  const yaml = (indent: string) =>
    `# a comment\nmodel: gpt-4.1\ntemperature: 0.2\nagent:\n${indent}tools:\n${indent}${indent}- name: get_weather\n${indent}${indent}- name: bookFlight\n` +
    `${indent}max_steps: 30\n${indent}prompt: |\n${indent}${indent}# Rules\n${indent}${indent}Be brief.\n${indent}${indent}## Refunds\n${indent}${indent}Never.\n`

  it('says model, tools, settings and the sections of prompts, and nothing of the layout', () => {
    const text = configurationText.of(parseConfigDocument(yaml('  ')))
    expect(text).toBe(
      'Model gpt-4.1, temperature 0.2\nTools: get weather, book flight\n' +
        'Settings: agent tools name get_weather, agent tools name bookFlight, agent max steps 30\n' +
        'agent prompt: Sections: Rules, Refunds. # Rules Be brief. ## Refunds Never.',
    )
    expect(configurationText.of(parseConfigDocument(yaml('    ')))).toBe(text)
  })

  withSharedData('of real ones', (folder) => {
    it('has each of them in a few thousand characters', async () => {
      const { readdirSync, readFileSync } = await import('node:fs')
      const files = readdirSync(new URL('configs/', folder), { recursive: true, encoding: 'utf8' }).filter(
        (name) => name.endsWith('.yaml'),
      )
      let read = 0
      for (const name of files) {
        const text = readFileSync(new URL(`configs/${name}`, folder), 'utf8')
        const said = configurationText.of(configDocument(text))
        expect(said.length, name).toBeGreaterThan(100)
        expect(said.length, name).toBeLessThan(6_000)
        read++
      }
      expect(read).toBe(29)
    })
  })
})

it('a vector is stored with the model and the version of its text', () => {
  expect(storedModel('minilm:all-MiniLM-L6-v2#1', failureText)).toBe('minilm:all-MiniLM-L6-v2#1 failure#1')
})
