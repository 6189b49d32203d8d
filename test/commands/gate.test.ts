import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { type GateOptions, gateCommand } from '../../src/commands/gate.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()
const root = fileURLToPath(new URL('../..', import.meta.url))

async function gate(
  tenant: Tenant,
  options: Partial<GateOptions>,
): Promise<{ exitCode: number; output: string }> {
  const printed: string[] = []
  const spies = (['log', 'error'] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((line) => printed.push(String(line))),
  )
  try {
    const token = await tenant.token('app_readonly')
    const exitCode = await gateCommand(arc.config, {
      candidate: randomUUID(),
      url: arc.url,
      token,
      ...options,
    })
    return { exitCode, output: printed.join('\n') }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

const IDS = ['login', 'refund', 'tricky_name', 'search']

/** A simulation of a version in which so many of the scenarios fail. */
async function simulated(
  tenant: Tenant,
  configVersionId: string,
  failing: number,
  { ends = true, name = null as string | null } = {},
): Promise<string> {
  await tenant.scenarios(...IDS)
  const { startSimulation } = await tenant.data(
    'mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } errors { message } } }',
    { input: { configVersionId, scenarioIds: IDS, name } },
  )
  expect(startSimulation.errors).toEqual([])
  const { simulationId } = startSimulation.simulation
  await tenant.record(
    IDS.map((scenarioId, at) => ({
      simulationId,
      scenarioId,
      status: at < failing ? 'ERROR' : 'SUCCESS',
      reliabilityScore: at < failing ? 0.25 : 1,
      costUsd: 0.01 * (at + 1),
      metrics: { tone: at },
    })),
  )
  if (ends)
    await tenant.data(
      'mutation ($id: UUID!) { completeSimulation(input: { simulationId: $id }) { errors { code } } }',
      { id: simulationId },
    )
  return simulationId
}

const NO_STATISTICS = { successDrop: 'off', scoreDrop: 'off' }

it('exit codes say whether a candidate passes, does not, or cannot be told of', async () => {
  const tenant = arc.tenant()
  const { versionId } = await tenant.configVersion('agent')
  const [good, bad, open] = [
    await simulated(tenant, versionId, 0),
    await simulated(tenant, versionId, 2),
    await simulated(tenant, versionId, 0, { ends: false }),
  ]
  const rules = async (text: string) => ({ rules: await folder.write(`${randomUUID()}.yaml`, text) })
  const cases: [options: Partial<GateOptions>, exitCode: number, output: RegExp][] = [
    [
      { baseline: good, candidate: good, ...NO_STATISTICS, regressed: false },
      0,
      /^passed {2}REGRESSED_SCENARIOS: None of 4.*\nThe candidate agent version 1 \(.*\) may take the place/,
    ],
    [
      { baseline: good, candidate: bad, ...NO_STATISTICS, regressed: false },
      1,
      /^FAILED {2}REGRESSED_SCENARIOS: 2 of 4.*login, refund\.\n.* may not take/,
    ],
    // Four scenarios tell nothing.
    [{ baseline: good, candidate: good }, 1, /cannot tell {2}SUCCESS_DROP/],
    [{ baseline: good, candidate: good, insufficientData: 'pass' }, 0, /cannot tell {2}SUCCESS_DROP/],
    [
      { baseline: good, candidate: bad, ...NO_STATISTICS, minSuccessRate: '0.6' },
      1,
      /FAILED {2}SUCCESS_RATE/,
    ],
    [
      {
        baseline: good,
        candidate: bad,
        ...(await rules(
          'successDrop: null\nscoreDrop: null\nregressedScenarios:\n  scenarioIds: [search]\ninsufficientData: pass\n',
        )),
      },
      0,
      /None of 1/,
    ],
    [
      {
        baseline: good,
        candidate: bad,
        ...NO_STATISTICS,
        ...(await rules('minSuccessRate: 0.5\n')),
        minSuccessRate: '0.9',
      },
      1,
      /90 % is the least/,
    ],
    [{ baseline: good, candidate: bad, ...NO_STATISTICS, ...(await rules('')) }, 0, /may take/],
    [{ baseline: good, candidate: open }, 2, /The candidate .* is RUNNING: wait until it has ended/],
    [{ baseline: good, candidate: randomUUID() }, 2, /no simulation .*, the candidate/],
    [{ baseline: randomUUID(), candidate: good }, 2, /no simulation .*, the baseline/],
    [{ baseline: 'last', candidate: good }, 2, /--baseline takes the key/],
    [{ candidate: good }, 2, /Name the baseline/],
    [{ candidate: 'x', baseline: good }, 2, /--candidate takes the key/],
    [{ candidate: good, baseline: good, baselineConfiguration: 'agent' }, 2, /Name the baseline/],
    [{ candidate: good, baselineConfiguration: 'nobody' }, 2, /no configuration "nobody"/],
    [
      { candidate: good, baselineConfiguration: 'agent', baselineVersion: '7' },
      2,
      /"agent" has no version 7/,
    ],
    [{ candidate: good, baselineConfiguration: 'agent', baselineVersion: 'x' }, 2, /number of a version/],
    [{ candidate: good, baseline: good, baselineVersion: '1' }, 2, /goes with --baseline-configuration/],
    [
      { baseline: good, candidate: good, successDrop: 'much' },
      2,
      /--success-drop takes a number or "off", not "much"/,
    ],
    [{ baseline: good, candidate: good, successDrop: '7' }, 2, /successDrop is 7/],
    [
      { baseline: good, candidate: good, rules: folder.path('nowhere.yaml') },
      2,
      /rules cannot be read: ENOENT/,
    ],
    [{ baseline: good, candidate: good, ...(await rules('a: [')) }, 2, /rules cannot be read/],
    [{ baseline: good, candidate: good, ...(await rules('- a')) }, 2, /no mapping of rules/],
    [
      { baseline: good, candidate: good, ...(await rules('sucessDrop: 1')) },
      2,
      /no rule sucessDrop; there are successDrop/,
    ],
    [{ baseline: good, candidate: good, ...(await rules('minScenarios: many')) }, 2, /Int/],
    [{ baseline: good, candidate: good, report: folder.path('no/folder.md') }, 2, /report cannot be written/],
    [{ baseline: good, candidate: good, url: 'http://127.0.0.1:1/graphql' }, 2, /No Arc at/],
    [{ baseline: good, candidate: good, token: 'none' }, 2, /refuses the token/],
  ]
  for (const [options, exitCode, output] of cases) {
    const { rules: _, ...shown } = options
    const seen = await gate(tenant, options)
    expect({ shown, exitCode: seen.exitCode, output: seen.output }).toEqual({
      shown,
      exitCode,
      output: expect.stringMatching(output),
    })
  }
})

it('a baseline may be the latest completed simulation of a configuration or a version', async () => {
  const tenant = arc.tenant()
  const { configId, versionId: first } = await tenant.configVersion('agent')
  const { createConfigVersion } = await tenant.data(
    'mutation ($input: CreateConfigVersionInput!) { createConfigVersion(input: $input) { version { versionId } errors { message } } }',
    { input: { configId, yaml: 'model: gpt-5\n' } },
  )
  const second = createConfigVersion.version.versionId
  const old = await simulated(tenant, first, 1, { name: 'old' })
  const latest = await simulated(tenant, second, 0, { name: 'latest' })
  await simulated(tenant, first, 3, { name: 'open', ends: false })
  const candidate = await simulated(tenant, second, 0, { name: 'candidate' })
  const against = async (options: Partial<GateOptions>) =>
    (await gate(tenant, { candidate, ...NO_STATISTICS, baselineConfiguration: 'agent', ...options })).output
  expect(await against({})).toContain(`may take the place of latest (${latest})`)
  expect(await against({ baselineVersion: '1' })).toContain(`may take the place of old (${old})`)
  expect(await against({ candidate: latest, baselineVersion: '2' })).toContain(
    `may take the place of candidate (${candidate})`,
  )
  expect(await against({ candidate: old, baselineVersion: '1' })).toMatch(
    /No other simulation of "agent" version 1 is completed/,
  )
})

it('the report has verdict, rules, metrics, what went worse, and why what is open cannot be told, whatever names there are', async () => {
  const tenant = arc.tenant()
  const { versionId } = await tenant.configVersion('agent | [x](http://evil) @all <b> ## Not a heading')
  const baseline = await simulated(tenant, versionId, 0, { name: 'nightly | `a`' })
  const candidate = await simulated(tenant, versionId, 2)
  const report = folder.path('report.md')
  const { exitCode } = await gate(tenant, { baseline, candidate, report, minScenarios: '4' })
  expect(exitCode).toBe(1)
  const text = await readFile(report, 'utf8')
  expect(text).toMatch(/^## ❌ May not ship\n/)
  expect(text).toContain('| ✅ | SCENARIOS | Both have runs of 4 scenarios; 4 suffice. |')
  expect(text).toMatch(/\| ❔ \| SUCCESS_DROP \| Success is known of 4 scenarios in both: 5 are the least/)
  expect(text).toMatch(/\| success \| 4 \| 1 \| 0\.5 \| -0\.5 \| .* to .* \| .* \| cannot tell \|/)
  expect(text).toMatch(/\| `tone` \| 4 \| 1\.5 \| 1\.5 \|/)
  expect(text).toMatch(
    /- success: No difference is significant \(p = 0\.25\), .* To show a difference of 0\.05: \d+ scenarios\./,
  )
  expect(text).toContain('2 of 4 went worse, 0 better; 0 ran in one of the two only.')
  expect(text).toContain('| `login` | 1 of 1, score 1 | 0 of 1, score 0.25 |')
  expect(text).toContain(`\`${candidate}\``)
  expect(text.split('\n').filter((line) => line.startsWith('#'))).toEqual([
    '## ❌ May not ship',
    '### Metrics',
    '### What cannot be told',
    '### Scenarios',
  ])
  expect(text).not.toMatch(/(?<!\\)\[x|(?<!\\)<b|(?<!\\)@all/)
  // Each table has as many cells in every line.
  for (const table of text.split('\n\n').filter((part) => part.startsWith('|'))) {
    const cells = table.split('\n').map((line) => line.replaceAll('\\|', '').split('|').length)
    expect(new Set(cells).size, table).toBe(1)
  }
})

it('the program reads its options, and a wrong one is nothing that can be told', async () => {
  const tenant = arc.tenant()
  const { versionId } = await tenant.configVersion('agent')
  const [good, bad] = [await simulated(tenant, versionId, 0), await simulated(tenant, versionId, 2)]
  const env = {
    ...process.env,
    ARC_URL: arc.url,
    ARC_TOKEN: await tenant.token(),
    ARC_DATA_DIR: folder.path('data'),
  }
  const run = (...args: string[]) =>
    new Promise<{ code: number; output: string }>((resolve) =>
      execFile(
        process.execPath,
        ['--import', 'tsx', 'src/main.ts', 'gate', ...args],
        { cwd: root, env },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : (error.code as number), output: stdout + stderr }),
      ),
    )
  const off = ['--success-drop', 'off', '--score-drop', 'off']
  const both = ['--baseline', good, '--candidate', bad]
  const seen = await Promise.all([
    run(...both, ...off),
    run(...both, ...off, '--no-regressed', '--no-new-failure-categories'),
    run('--baseline', good),
    run(...both, '--speed', '1'),
    run('--help'),
  ])
  expect(seen.map(({ code }) => code)).toEqual([0, 1, 2, 2, 0])
  expect(seen[1]!.output).toMatch(/FAILED {2}REGRESSED_SCENARIOS(.|\n)*FAILED {2}NEW_FAILURE_CATEGORIES/)
  expect(seen[2]!.output).toContain('--candidate')
}, 120_000)
