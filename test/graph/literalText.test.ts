import { expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'

const arc = useArc()

it('what a filter says is contained means itself: %, _ and \\ are no wildcards, at the root and in other lists', async () => {
  const tenant = arc.tenant()
  const names = ['abc', 'a_c', 'a%c', 'a\\c']
  const simulationId = await tenant.simulation(['s'], { repetitions: 4 })
  for (const name of names) await tenant.configVersion(name)
  await tenant.record(
    names.map((model, index) => ({
      simulationId,
      scenarioId: 's',
      repetition: index + 1,
      status: 'SUCCESS',
      model,
    })),
  )
  for (const [contains, found] of [
    ['a_c', ['a_c']],
    ['_', ['a_c']],
    ['%', ['a%c']],
    ['\\', ['a\\c']],
    ['A\\C', ['a\\c']],
    ['\\_', []],
    ['a', names],
  ] as const) {
    const { configurations, outcomes, simulation } = await tenant.data(
      `query ($id: UUID!, $text: StringFilter, $model: NullableStringFilter) {
        configurations(filter: { name: $text }) { totalCount nodes { name } }
        outcomes(filter: { model: $model }) { nodes { model } }
        simulation(simulationId: $id) { outcomes(filter: { model: $model }) { totalCount nodes { model } } }
      }`,
      { id: simulationId, text: { contains }, model: { contains } },
    )
    const sorted = (texts: string[]) => texts.filter((text) => !text.startsWith('agent')).sort()
    const expected = [...found].sort()
    expect(sorted(configurations.nodes.map(({ name }: any) => name)), contains).toEqual(expected)
    expect(sorted(outcomes.nodes.map(({ model }: any) => model)), contains).toEqual(expected)
    expect(sorted(simulation.outcomes.nodes.map(({ model }: any) => model)), contains).toEqual(expected)
    expect(simulation.outcomes.totalCount).toBe(found.length)
  }
})

it('a search for words that every text has finds those that have them as they are written', async () => {
  const tenant = arc.tenant()
  const prompts = { a: 'Switch it off.', b: 'Visit the office.', c: 'Do not.', d: 'Switch it on and off' }
  await tenant.data(
    `mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $scenarios }) { receipts { status } } }`,
    { scenarios: Object.entries(prompts).map(([scenarioId, taskPrompt]) => ({ scenarioId, taskPrompt })) },
  )
  const simulationId = await tenant.simulation(['e'], { repetitions: 2 })
  await tenant.record(
    ['it is off', 'it is broken'].map((error, index) => ({
      simulationId,
      scenarioId: 'e',
      repetition: index + 1,
      status: 'ERROR',
      error,
    })),
  )
  for (const [search, found] of [
    ['off', ['a', 'd']],
    ['on off', ['d']],
    ['not', ['c']],
    ['"and off"', ['d']],
    ['switch off', ['a', 'd']],
    ['', ['a', 'b', 'c', 'd', 'e']],
  ] as const) {
    const { scenarios } = await tenant.data(
      'query ($search: String) { scenarios(filter: { search: $search }) { nodes { scenarioId } } }',
      { search },
    )
    expect(scenarios.nodes.map(({ scenarioId }: any) => scenarioId).sort(), search).toEqual(found)
  }
  const { failurePatterns } = await tenant.data(
    '{ failurePatterns(filter: { search: "off" }) { nodes { errorMessage } } }',
  )
  expect(failurePatterns.nodes).toEqual([{ errorMessage: 'it is off' }])
})

it('a text within a long one means itself, whatever the case, and is looked for as a plain text', async () => {
  const tenant = arc.tenant()
  const prompts = { a: 'Ask A.B\\c* (100%) ***=x', b: 'Äsk axb', c: 'a\nb' }
  await tenant.data(
    `mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $scenarios }) { receipts { status } } }`,
    {
      scenarios: Object.entries(prompts).map(([scenarioId, taskPrompt]) => ({
        scenarioId,
        name: scenarioId,
        taskPrompt,
      })),
    },
  )
  await tenant.simulation(['s'], { metadata: { text: prompts.a } })
  for (const [text, found] of [
    ['a.b', 'a'],
    ['\\C*', 'a'],
    ['***=', 'a'],
    ['0%)', 'a'],
    ['äSK', 'b'],
    ['A\nb', 'c'],
    ['_', ''],
    ['.*', ''],
  ] as const) {
    const { scenarios, simulations } = await tenant.data(
      `query ($text: String!) {
        scenarios(filter: { text: $text }, orderBy: { field: SCENARIO_ID }) { nodes { scenarioId } }
        simulations(filter: { metadata: [{ path: ["text"], contains: $text }] }) { totalCount }
      }`,
      { text },
    )
    expect(scenarios.nodes.map(({ scenarioId }: any) => scenarioId).join(''), text).toBe(found)
    expect(simulations.totalCount, text).toBe(found === 'a' ? 1 : 0)
  }
})
