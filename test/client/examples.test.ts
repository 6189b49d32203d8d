import { spawn, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { evaluate, type RunInSandbox } from '../../examples/modal.ts'
import { ArcClient } from '../../src/client/arcClient.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { ServerProxy } from '../support/serverProxy.ts'
import { complete, success } from '../support/subscriptions.ts'

const arc = useArc()
const root = fileURLToPath(new URL('../..', import.meta.url))
const PYTHON = ['python3', 'python'].find((name) => spawnSync(name, ['--version']).status === 0)

/** What a program prints, and how it ends. */
async function run(
  tenant: Tenant,
  command: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ printed: string; complaints: string; code: number | null }> {
  const [program, ...args] = command as [string, ...string[]]
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ARC_URL: arc.url, ARC_TOKEN: await tenant.token(), ...env },
  })
  let printed = ''
  let complaints = ''
  child.stdout.on('data', (text) => {
    printed += text
  })
  child.stderr.on('data', (text) => {
    complaints += text
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { printed, complaints, code }
}

/** As much of Modal's SDK (0.11) as docs/client.md calls; the agent is said to have answered. */
const MODAL = `
export class ModalClient {
  apps = { fromName: async (name) => ({ appId: 'ap-' + name }) }
  images = { fromRegistry: (tag) => ({ tag }) }
  sandboxes = {
    create: async (app, image, { timeoutMs }) => ({
      sandboxId: app.appId && image.tag && timeoutMs && 'sb-1',
      exec: async (command) => {
        console.log(command.join(' '))
        const answer = { passed: true, score: 0.75, messages: [{ role: 'assistant', content: 'Done.' }] }
        return { stdout: { readText: async () => JSON.stringify(answer) }, wait: async () => 0 }
      },
      terminate: async () => console.log('terminated'),
    }),
  }
}
`

const node = (file: string, ...args: string[]) => [process.execPath, '--import', 'tsx', file, ...args]

it('the blocks of docs/client.md, and those of guides that say so, are the files of examples/', async () => {
  const read = async (file: string) => {
    const text = await readFile(`${root}docs/${file}`, 'utf8')
    return [...text.matchAll(/(?:<!-- ([^\n]+) -->\n)?```(\w+)\n(.*?)```/gs)]
  }
  const guide = (await read('guides/may-it-ship.md')).filter(([, source]) => source !== undefined)
  const blocks = [...(await read('client.md')), ...guide]
  const files = new Set<string>()
  for (const [, source, language, block] of blocks) {
    if (language === 'text') continue
    expect(source, `a block of ${language} is no file`).toBeDefined()
    if (source === 'with a stand-in for Modal') continue
    files.add(source!.replace('examples/', ''))
    expect(block).toBe(await readFile(root + source, 'utf8'))
  }
  expect([...files].sort()).toEqual((await readdir(`${root}examples`)).sort())
})

describe('the example', () => {
  it('quickStart.ts runs an evaluation', async () => {
    const tenant = arc.tenant()
    expect(await run(tenant, node('examples/quickStart.ts'))).toMatchObject({
      code: 0,
      printed: 'score 0.95\nrefund: SUCCESS\n',
    })
    const { simulations } = await tenant.data('{ simulations { nodes { simulationName status } } }')
    expect(simulations.nodes).toEqual([{ simulationName: 'first try', status: 'COMPLETED' }])
  })

  it('watch.ts shows a simulation to its end, and says what is wrong', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const watching = run(tenant, node('examples/watch.ts', simulationId))
    await tenant.record([success(simulationId, 1)])
    await complete(tenant, simulationId)
    expect((await watching).printed).toBe(
      '1 STARTED: 0 %, score null\n2 PROGRESS: 100 %, score 1\n3 COMPLETED: 100 %, score 1\n',
    )
    const stranger = await run(arc.tenant(), node('examples/watch.ts', simulationId))
    expect(stranger).toMatchObject({
      code: 1,
      complaints: expect.stringMatching(/^SIMULATION_NOT_FOUND: There is no simulation/),
    })
  })

  it('modal.ts stores what comes of each sandbox, and goes on when one breaks', async () => {
    const tenant = arc.tenant()
    const client = new ArcClient({ url: arc.url, token: await tenant.token() })
    const agent = { name: 'agent', yaml: 'model: m\n' }
    const tasks = Array.from({ length: 20 }, (_, index) => ({
      scenarioId: `task_${index}`,
      taskPrompt: 'Do it.',
    }))
    let running = 0
    let most = 0
    const runInSandbox: RunInSandbox = async ({ scenarioId }) => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running -= 1
      if (scenarioId === 'task_7') throw new Error('exit code 137')
      return { status: 'SUCCESS', reliabilityScore: 0.5, sandboxId: `sb-${scenarioId}` }
    }
    expect(
      await evaluate(client, agent, tasks, runInSandbox, { sandboxInstances: 4, modalAppId: 'ap-1' }),
    ).toMatchObject({ status: 'COMPLETED', succeededScenarios: 19, failedScenarios: 1, overallScore: 0.5 })
    expect(most).toBe(4)
    const { outcomes, simulations } = await tenant.data(`{
      outcomes(filter: { status: { eq: ERROR } }) { nodes { scenarioId errorCategory } }
      simulations { nodes { modalAppId sandboxInstances } }
    }`)
    expect(outcomes.nodes).toEqual([{ scenarioId: 'task_7', errorCategory: 'SANDBOX_ERROR' }])
    expect(simulations.nodes).toEqual([{ modalAppId: 'ap-1', sandboxInstances: 4 }])
  })

  it('with Modal’s SDK makes a sandbox for each task, and ends it', async () => {
    const text = await readFile(`${root}docs/client.md`, 'utf8')
    const [, block] = /<!-- with a stand-in for Modal -->\n```ts\n(.*?)```/s.exec(text)!
    const folder = await mkdtemp(join(tmpdir(), 'arc-modal-'))
    try {
      await mkdir(join(folder, 'node_modules/modal'), { recursive: true })
      await writeFile(join(folder, 'node_modules/modal/index.mjs'), MODAL)
      await writeFile(
        join(folder, 'node_modules/modal/package.json'),
        '{"name":"modal","exports":"./index.mjs"}',
      )
      await writeFile(join(folder, 'modal.ts'), await readFile(`${root}examples/modal.ts`))
      await writeFile(join(folder, 'onModal.mts'), block!)
      const tenant = arc.tenant()
      expect(await run(tenant, node(join(folder, 'onModal.mts')))).toMatchObject({
        code: 0,
        printed: 'run-agent Ask for your money back.\nterminated\n0.75\n',
      })
      const { outcomes } = await tenant.data(
        '{ outcomes { nodes { scenarioId sandboxId trajectoryPath(path: ["messages", "0", "content"]) simulation { modalAppId } } } }',
      )
      expect(outcomes.nodes).toEqual([
        {
          scenarioId: 'refund',
          sandboxId: 'sb-1',
          trajectoryPath: 'Done.',
          simulation: { modalAppId: 'ap-arc-evaluation' },
        },
      ])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it.skipIf(!PYTHON)('record_outcome.py records once and reads the score', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const python = (...args: string[]) => [PYTHON!, 'examples/record_outcome.py', simulationId, ...args]
    expect(await run(tenant, python('a', '0.9'))).toMatchObject({
      code: 0,
      printed: 'STORED\nscore 0.9, 50 % of the runs\n',
    })
    const proxy = await ServerProxy.open(arc.url)
    const lost = proxy.loseAnswer('recordOutcome(')
    expect(await run(tenant, python('b', '0.5'), { ARC_URL: proxy.url })).toMatchObject({
      code: 0,
      printed: 'DUPLICATE\nscore 0.7, 100 % of the runs\n',
    })
    await lost
    await proxy.close()
    expect(await run(tenant, python('none', '1'))).toMatchObject({
      code: 1,
      complaints: 'There is no scenario "none".\n',
    })
    const refused = await run(tenant, python('a', '1'), { ARC_TOKEN: 'wrong' })
    expect(refused).toMatchObject({ code: 1, complaints: expect.stringMatching(/UNAUTHENTICATED/) })
  })
})
