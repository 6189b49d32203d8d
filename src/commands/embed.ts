import { SingleBar } from 'cli-progress'
import { type Config, ConfigError } from '../config.ts'
import { withPool } from '../db/admin/adminPool.ts'
import { EmbeddingError, type EmbeddingProvider } from '../embedding/embeddingProvider.ts'
import { type EmbeddedKind, modelsOf } from '../embedding/embeddings.ts'
import { neededProvider, openProvider } from '../embedding/openProvider.ts'
import { embedQueued } from '../jobs/embedding.ts'
import {
  dropOldEmbeddings,
  modelsInUse,
  type OwnQuery,
  ownQueryOn,
  queueUnembedded,
  searchUnembedded,
  useEmbeddingModels,
  type Wanted,
  waitingEmbeddings,
} from '../jobs/embeddingStore.ts'
import { createLogger } from '../observe/logger.ts'
import { isUuid } from '../uuid.ts'
import { withAdminUrl } from './withAdminUrl.ts'

export interface EmbedOptions {
  /** All, and not only those that are missing. */
  rebuild?: boolean
  kind?: string
  tenant?: string
  quiet?: boolean
}

/** What the command line calls them. */
const KINDS: Readonly<Record<string, EmbeddedKind>> = {
  failures: 'failure',
  scenarios: 'scenario',
  versions: 'config_version',
  trajectories: 'trajectory',
}

/** How many things are looked at in one transaction, and how many old vectors are dropped. */
const SEARCH_STEP = 1_000
const DROP_STEP = 10_000

const counted = new Intl.NumberFormat('en-US')

/**
 * `arc embed`: makes the embeddings that are missing, or all, beside servers that do the same. What is left when it is stopped stays in their
 * queue.
 *
 * Answers the exit code: 0 when it made all that it was to make, 1 when it was stopped or could not go on.
 */
export async function embedCommand(config: Config, options: EmbedOptions): Promise<number> {
  const { rebuild = false, kind, tenant, quiet = false } = options
  if (tenant !== undefined && !isUuid(tenant))
    throw new ConfigError(`--tenant takes a UUID, not ${JSON.stringify(tenant)}.`)
  const wanted: Wanted = {
    ...(kind !== undefined && { kinds: [KINDS[kind]!] }),
    ...(tenant !== undefined && { tenant: tenant.toLowerCase() }),
  }
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  let provider: EmbeddingProvider | null = null
  try {
    provider = neededProvider(openProvider(config.embeddings))
    const logger = createLogger(config.logLevel)
    const run: Run = { provider, wanted, rebuild, quiet, stop: stop.signal, logger }
    let isComplete = false
    await withAdminUrl(config, (url) =>
      withPool(url, logger, async (pool) => {
        isComplete = await embed(ownQueryOn(pool), run)
      }),
    )
    return isComplete ? 0 : 1
  } catch (error) {
    if (!(error instanceof EmbeddingError)) throw error
    console.error(`arc embed: ${error.message}${provider ? ' What waits stays in the queue.' : ''}`)
    return 1
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal)
    await provider?.close()
  }
}

interface Run {
  provider: EmbeddingProvider
  wanted: Wanted
  rebuild: boolean
  quiet: boolean
  stop: AbortSignal
  logger: ReturnType<typeof createLogger>
}

/** Whether all is made that was to be made. */
async function embed(
  query: OwnQuery,
  { provider, wanted, rebuild, quiet, stop, logger }: Run,
): Promise<boolean> {
  const models = modelsOf(provider)
  const used = await modelsInUse(query)
  if (used === null) await useEmbeddingModels(query, models)
  else if (Object.entries(models).some(([kind, model]) => used[kind as EmbeddedKind] !== model))
    throw new ConfigError(
      `The servers of this database make embeddings as ${used.failure}, and here the settings say ${models.failure}: set ARC_EMBEDDINGS as theirs are, or start a server with the new ones first.`,
    )
  console.log(`${rebuild ? 'Making all anew' : 'Making what is missing'} with ${provider.model}.`)
  let place: object | null = { ...wanted, ...(rebuild && { anew: true }) }
  while (place !== null && !stop.aborted) ({ place } = await queueUnembedded(query, place, SEARCH_STEP))
  if (place !== null) {
    console.log('Stopped before all was queued; the same command begins again.')
    return false
  }
  const total = await waitingEmbeddings(query, wanted)
  const bar = !quiet && process.stderr.isTTY ? progressBar(total) : undefined
  let done = 0
  try {
    const work = { query, provider, signal: stop, logger }
    const onDone = (subjects: number) => {
      done += subjects
      bar?.update(Math.min(done, total))
    }
    await embedQueued(work, wanted, onDone)
    // Only a search for all tells that vectors of earlier models may go.
    if (wanted.kinds === undefined && wanted.tenant === undefined)
      while (!stop.aborted && (await searchUnembedded(query, models, SEARCH_STEP)))
        await embedQueued(work, wanted, onDone)
  } finally {
    bar?.stop()
    console.log(`${counted.format(done)} of ${counted.format(Math.max(done, total))} done.`)
  }
  while (!stop.aborted && (await dropOldEmbeddings(query, DROP_STEP)));
  const left = await waitingEmbeddings(query, wanted)
  if (left === 0) return true
  console.log(
    `${counted.format(left)} in the queue: servers that make embeddings make them, and so does "arc embed" (without --rebuild).`,
  )
  return false
}

function progressBar(total: number): SingleBar {
  const bar = new SingleBar({
    stream: process.stderr,
    format: 'embedding {bar} {value}/{total}, {eta_formatted} left',
    clearOnComplete: true,
    hideCursor: true,
  })
  bar.start(total, 0)
  return bar
}
