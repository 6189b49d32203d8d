import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type * as client from '../../src/client/index.ts'
import { useArc } from '../support/arc.ts'
import { CHROMIUM, launchChromium, needingChromium } from '../support/chromium.ts'
import { ServerProxy } from '../support/serverProxy.ts'
import { complete, success, upTo } from '../support/subscriptions.ts'

declare const arcEval: typeof client

let proxy: ServerProxy
afterAll(() => proxy.close())
const arc = useArc()
beforeAll(async () => {
  proxy = await ServerProxy.open(arc.url)
})

/** The client as a page loads it. */
async function bundle() {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL('../../src/client/index.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'arcEval',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  return { text: outputFiles[0]!.text, inputs: Object.keys(metafile.inputs) }
}

it('a page loads the client, one small library, and nothing of Node', async () => {
  const { text, inputs } = await bundle()
  const others = inputs.filter((path) => !path.startsWith('src/client/'))
  expect(others.sort()).toEqual(['node_modules/eventsource-parser/dist/index.js', 'src/exactNumbers.ts'])
  expect(text.length).toBeLessThan(36_000)
})

describe.skipIf(!CHROMIUM)(needingChromium('the client in a browser'), () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())

  it('asks, records in batches, and follows a simulation over broken connections', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 20 })
    const page = await browser.newPage()
    // Any page of the server's own origin.
    await page.goto(proxy.url.replace('/graphql', '/health'))
    await page.evaluate((await bundle()).text.replace('var arcEval', 'globalThis.arcEval'))

    const told: number[] = []
    let heard: (count: number) => void = () => {}
    await page.exposeFunction('tell', (seq: number) => heard(told.push(seq)))
    const hearing = (count: number) =>
      new Promise<void>((resolve) => {
        heard = (length) => length >= count && resolve()
        heard(told.length)
      })
    const ended = page.evaluate(
      async ([token, id]) => {
        const client = new arcEval.ArcClient({ url: '/graphql', token })
        for await (const { seq } of client.simulationEvents(id)) await (window as any).tell(seq)
      },
      [await tenant.token(), simulationId] as const,
    )
    await hearing(1)
    proxy.cutAll()
    await tenant.record([success(simulationId, 1)])
    await hearing(2)

    const receipts = await page.evaluate(
      async ([token, outcomes]) => {
        const client = new arcEval.ArcClient({ url: '/graphql', token: async () => token })
        const batcher = client.outcomeBatcher()
        const statuses = (await Promise.all(outcomes.map((outcome) => batcher.record(outcome)))).map(
          ({ status }) => status,
        )
        const { succeededScenarios } = await client.getSimulationStatus(outcomes[0]!.simulationId)
        const refused = await client.getSimulationStatus(crypto.randomUUID()).catch((error) => error)
        return [...statuses, succeededScenarios, refused instanceof arcEval.ArcRequestError && refused.codes]
      },
      [
        await tenant.token(),
        upTo(4).map((row) => success(simulationId, row) as client.OutcomeInput),
      ] as const,
    )
    expect(receipts).toEqual(['DUPLICATE', 'STORED', 'STORED', 'STORED', 4, ['SIMULATION_NOT_FOUND']])
    await complete(tenant, simulationId)
    await ended
    expect(told).toEqual([1, 2, 3, 4])
    await page.close()
  })
})
