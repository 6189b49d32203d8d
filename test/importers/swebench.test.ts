import { beforeEach, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { fixture } from '../support/fixtures.ts'
import { graphTotals } from '../support/graphTotals.ts'
import { importInto, useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()
const report = fixture('swe-bench/acme__kite-1.nightly.json')
const instance = fixture('swe-bench/logs/run_evaluation/nightly/acme__kite-1/kites__kite-2/report.json')

function trajectory(
  number: number,
  { model_name = 'acme/kite-1', exit_status = 'Submitted' as string, run = '' } = {},
) {
  return {
    info: {
      model_stats: { instance_cost: 0.1, api_calls: 1 },
      config: { agent: {}, model: { model_name, model_kwargs: {} }, environment: {} },
      exit_status,
      mini_version: '2.0',
    },
    messages: [{ role: 'user', content: `Solve ${number}. ${run}` }],
    trajectory_format: 'mini-swe-agent-1.1',
    instance_id: `kites__kite-${number}`,
  }
}

async function writeRun(name: string, model_name = 'acme/kite-1'): Promise<string> {
  for (const number of [1, 2, 3, 4]) {
    const exit_status = number === 3 ? 'LimitsExceeded' : 'Submitted'
    await folder.write(
      `${name}/kites__kite-${number}.traj.json`,
      trajectory(number, { model_name, exit_status, run: name }),
    )
  }
  return folder.path(name)
}

async function gradesOf(tenant: Tenant): Promise<any> {
  const { outcomes } = await tenant.data(`{
    outcomes { nodes {
      status reliabilityScore errorCode metrics scenario { externalId } simulation { simulationName overallScore }
      failurePatterns { nodes { failureType errorMessage } }
    } }
  }`)
  return Object.fromEntries(
    outcomes.nodes.map(({ scenario, failurePatterns, ...rest }: any) => [
      `${rest.simulation.simulationName} ${scenario.externalId.slice(-1)}`,
      { ...rest, failures: failurePatterns.nodes.map(({ failureType }: any) => failureType) },
    ]),
  )
}

let tenant: Tenant
beforeEach(() => {
  tenant = arc.tenant()
})

it('a report grades the outcomes that are there, and a second time nothing', async () => {
  const run = await writeRun('graded')
  await importInto(arc, tenant, [run])
  const before = await graphTotals(tenant)
  expect(before).toMatchObject({ records: 4, graded: 0, status: { SUCCESS: 3, TIMEOUT: 1 } })

  const { exitCode, output } = await importInto(arc, tenant, [report])
  expect(exitCode).toBe(1)
  expect(output).toContain('simulation     mini-swe-agent acme/kite-1 graded (')
  expect(output).toContain('grades         4 stored, 0 there already\n  passed         1 of 4 graded')
  expect(output).toContain('rejected       1\n    swe/kites__kite-5: Arc has no outcome of it to grade')
  expect(await graphTotals(tenant)).toEqual({
    ...before,
    graded: 4,
    scores: 1,
    status: { SUCCESS: 1, ERROR: 2, TIMEOUT: 1 },
  })
  const grades = await gradesOf(tenant)
  const grade = (number: number) => grades[`mini-swe-agent acme/kite-1 graded ${number}`]
  expect(grade(1)).toMatchObject({
    status: 'SUCCESS',
    reliabilityScore: 1,
    metrics: { exit_status: 'Submitted', swe_bench: { result: 'resolved', ended_as: 'SUCCESS' } },
    simulation: { overallScore: 0.25 },
  })
  expect(grade(2)).toMatchObject({ status: 'ERROR', reliabilityScore: 0, failures: ['unresolved'] })
  expect(grade(3)).toMatchObject({ status: 'TIMEOUT', reliabilityScore: 0, failures: ['LimitsExceeded'] })
  expect(grade(4)).toMatchObject({ status: 'ERROR', reliabilityScore: 0, errorCode: 'empty_patch' })

  const again = await importInto(arc, tenant, [report])
  expect(again.output).toContain('grades         0 stored, 4 there already')
  expect(await gradesOf(tenant)).toEqual(grades)
})

it('a report as SWE-bench wrote it at first grades the same', async () => {
  await importInto(arc, tenant, [await writeRun('at-first')])
  const kite = (number: number) => `kites__kite-${number}`
  const published = await folder.write('at-first/results/results.json', {
    no_generation: [kite(4)],
    generated: [1, 2, 3].map(kite),
    with_logs: [1, 2, 3].map(kite),
    install_fail: [],
    applied: [1, 2].map(kite),
    test_errored: [],
    test_timeout: [kite(3)],
    resolved: [kite(1)],
  })
  const { output } = await importInto(arc, tenant, [published])
  expect(output).toContain('passed         1 of 3 graded')
  const grades = await gradesOf(tenant)
  const scores = [1, 2, 3, 4].map((n) => grades[`mini-swe-agent acme/kite-1 at-first ${n}`].reliabilityScore)
  expect(scores).toEqual([1, 0, null, 0])
})

it('the reports of instances add the tests, in whatever order they come, and predictions are named as such', async () => {
  const run = await writeRun('tests')
  const { output } = await importInto(arc, tenant, [fixture('swe-bench'), run])
  expect(output).toContain('4 patches for 5 instances by acme/kite-1, without a grade')
  expect(output).toContain('and 1 more of its run: SWE-bench report')
  const { 'mini-swe-agent acme/kite-1 tests 2': second } = await gradesOf(tenant)
  expect(second).toMatchObject({
    reliabilityScore: 0,
    metrics: {
      swe_bench: { tests: { FAIL_TO_PASS: { met: 1, total: 2 }, PASS_TO_PASS: { met: 2, total: 2 } } },
    },
    failures: ['test:FAIL_TO_PASS'],
  })
  const again = await importInto(arc, tenant, [instance])
  expect(again.output).toContain('grades         0 stored, 1 there already')
})

it('a later report takes an earlier grade back', async () => {
  await importInto(arc, tenant, [await writeRun('again'), instance])
  const resolved = {
    kites__kite_2: {},
    'kites__kite-2': { patch_exists: true, resolved: true, tests_status: {} },
  }
  const { kites__kite_2: _, ...later } = resolved
  await importInto(arc, tenant, [await folder.write('later.json', later)])
  const { 'mini-swe-agent acme/kite-1 again 2': second } = await gradesOf(tenant)
  expect(second).toMatchObject({ status: 'SUCCESS', reliabilityScore: 1, failures: [], errorCode: null })
})

it('of several runs it grades the one of its model, or the one that is named', async () => {
  await importInto(arc, tenant, [await writeRun('one'), await writeRun('two', 'acme/kite-2')])
  await importInto(arc, tenant, [report])
  const graded = async () =>
    Object.entries(await gradesOf(tenant)).flatMap(([name, { reliabilityScore }]: any) =>
      reliabilityScore === null ? [] : [name],
    )
  expect((await graded()).every((name) => name.includes('kite-1 one'))).toBe(true)

  await importInto(arc, tenant, [await writeRun('three')])
  const unclear = await importInto(arc, tenant, [report])
  expect(unclear.exitCode).toBe(1)
  expect(unclear.output).toContain(
    'It may grade 2 simulations, and does not say which: name one with --simulation.',
  )
  const { simulations } = await tenant.data('{ simulations { nodes { simulationId simulationName } } }')
  const { simulationId } = simulations.nodes.find(({ simulationName }: any) =>
    simulationName.endsWith('three'),
  )
  await importInto(arc, tenant, [report], { simulation: simulationId })
  expect((await graded()).filter((name) => name.includes('three'))).toHaveLength(4)
})

function reportOf(results: { resolved?: number[]; unresolved?: number[]; error?: number[] }) {
  const ids = (numbers: number[] = []) => numbers.map((number) => `kites__kite-${number}`)
  const { resolved, unresolved, error } = results
  return {
    resolved_ids: ids(resolved),
    unresolved_ids: ids(unresolved),
    error_ids: ids(error),
    submitted_ids: ids([...(resolved ?? []), ...(unresolved ?? []), ...(error ?? [])]),
  }
}

it.each([
  ['acme__kite-1', 'acme/kite-1', true],
  ['kite-1', 'acme/kite-1', true],
  ['KITE-1', 'hub/acme/kite-1', true],
  ['acme__kite-1', 'kite-1', true],
  ['2025-02-01_flyer_kite-1', 'acme/kite-1', true],
  ['kite-1__wind__default__t-0.00', 'acme/kite-1', true],
  ['kite-1', 'acme/kite-1-2025-02-01', true],
  ['kite-1', 'unknown', true],
  ['kite-2', 'acme/kite-1', false],
  ['kite-1', 'acme/kite-1o', false],
  ['kite-1o', 'acme/kite-1', false],
  ['kite-1-mini', 'acme/kite-1', false],
  ['kite-1', 'acme/other-kite-1', false],
])('a report of %s grades a run of %s: %s', async (named, model, fits) => {
  const run = await writeRun(`of ${named} ${model.replaceAll('/', ' ')}`, model === 'unknown' ? '' : model)
  await importInto(arc, tenant, [run])
  const path = await folder.write(`${named}.nightly.json`, reportOf({ unresolved: [1, 2] }))
  const { exitCode, output } = await importInto(arc, tenant, [path])
  expect((await graphTotals(tenant)).graded).toBe(fits ? 2 : 0)
  expect(exitCode).toBe(fits ? 0 : 1)
  if (!fits) expect(output).toContain('name one with --simulation')
})

it('of models whose names begin alike each has its own report', async () => {
  const runs = [await writeRun('four', 'kite-4'), await writeRun('four-o', 'acme/kite-4o')]
  const reports = [
    await folder.write('alike/kite-4.nightly.json', reportOf({ unresolved: [1, 2] })),
    await folder.write('alike/kite-4o.nightly.json', reportOf({ resolved: [1, 2] })),
  ]
  const { exitCode } = await importInto(arc, tenant, [...runs, ...reports])
  expect(exitCode).toBe(0)
  const scores = Object.entries(await gradesOf(tenant)).flatMap(([name, { reliabilityScore }]: any) =>
    reliabilityScore === null ? [] : [[name, reliabilityScore]],
  )
  expect(Object.fromEntries(scores)).toEqual({
    'mini-swe-agent kite-4 four 1': 0,
    'mini-swe-agent kite-4 four 2': 0,
    'mini-swe-agent acme/kite-4o four-o 1': 1,
    'mini-swe-agent acme/kite-4o four-o 2': 1,
  })
})

it('a report that could not grade takes no grade back, and the trajectories keep what graders said', async () => {
  const run = await writeRun('kept')
  const graded = await folder.write(
    'kept-1/kite-1.a.json',
    reportOf({ resolved: [1], unresolved: [2], error: [4] }),
  )
  const broken = await folder.write('kept-2/kite-1.b.json', reportOf({ error: [1, 2, 4] }))
  await importInto(arc, tenant, [run, graded])
  const before = await gradesOf(tenant)
  expect(before['mini-swe-agent acme/kite-1 kept 4']).toMatchObject({
    reliabilityScore: null,
    metrics: { swe_bench: { result: 'error' } },
  })
  const again = await importInto(arc, tenant, [broken])
  expect(again.output).toContain('grades         0 stored, 3 there already\n  passed         1 of 2 graded')
  expect(again.output).toContain('2 outcomes keep the grade that they have: this file has none')
  await importInto(arc, tenant, [run])
  expect(await gradesOf(tenant)).toEqual(before)
})

it('a run that a limit ended has it again when it is no longer resolved', async () => {
  const run = await writeRun('limited')
  const report = (name: string, results: object) =>
    folder.write(`limited-${name}/kite-1.${name}.json`, reportOf(results))
  await importInto(arc, tenant, [run])
  const { 'mini-swe-agent acme/kite-1 limited 3': ended } = await gradesOf(tenant)
  expect(ended).toMatchObject({
    status: 'TIMEOUT',
    errorCode: 'LimitsExceeded',
    failures: ['LimitsExceeded'],
  })
  const statuses = []
  for (const results of [{ resolved: [3] }, { unresolved: [3] }, { resolved: [3] }, { unresolved: [3] }]) {
    await importInto(arc, tenant, [await report(`r${statuses.length}`, results)])
    const { 'mini-swe-agent acme/kite-1 limited 3': third } = await gradesOf(tenant)
    statuses.push([third.status, third.reliabilityScore, third.errorCode, third.failures])
  }
  const limited = ['TIMEOUT', 0, 'LimitsExceeded', ['LimitsExceeded']]
  expect(statuses).toEqual([['SUCCESS', 1, null, []], limited, ['SUCCESS', 1, null, []], limited])
})

it('reports of instances as they are published lie in a folder of logs, and that in one of the model', async () => {
  const run = await writeRun('published', 'kite-3')
  const graded = { 'kites__kite-1': { patch_exists: true, resolved: true, tests_status: {} } }
  await folder.write('published-logs/2025_flyer_kite-3/logs/kites__kite-1/report.json', graded)
  const { exitCode } = await importInto(arc, tenant, [run, folder.path('published-logs')])
  expect(exitCode).toBe(0)
  expect((await graphTotals(tenant)).graded).toBe(1)
})
