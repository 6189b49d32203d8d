import { createHash, randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  BLANK_TEXT,
  type Embedded,
  EmbeddingError,
  type EmbeddingProvider,
  halfvecText,
  isBlank,
  UnembeddableText,
} from '../embedding/embeddingProvider.ts'
import { modelsOf, TEXTS } from '../embedding/embeddings.ts'
import type { JsonValue } from '../json.ts'
import {
  type Claimed,
  claimEmbeddings,
  dropOldEmbeddings,
  type EmbeddingModels,
  holdEmbeddings,
  NOBODY,
  noteEmbeddingFailure,
  type OwnQuery,
  type Result,
  type Subject,
  searchUnembedded,
  storeEmbeddings,
  type Wanted,
} from './embeddingStore.ts'
import type { Job } from './job.ts'

/** Of the five minutes that what was taken stays taken. */
const HOLD_MS = 60_000

/** How many subjects are looked at, or vectors dropped, in one transaction. */
const SEARCH_STEP = 1_000
const DROP_STEP = 10_000

interface Work {
  query: OwnQuery
  provider: EmbeddingProvider
  /** Stops after what is under way, which then is free again. */
  signal: AbortSignal
  logger: Logger
}

/**
 * Makes the vectors that are missing, and looks for what has none when nothing else is to do. It is enough that one server does: the
 * endpoint or the model is what takes the time. More may, as `arc embed` does beside it: each takes subjects of its own.
 */
export function embedJob(provider: EmbeddingProvider): Job {
  const models = modelsOf(provider)
  return {
    name: 'embed',
    async run({ query, signal, logger }) {
      const work: Work = { query, provider, signal, logger }
      do {
        await embedQueued(work)
      } while (!signal.aborted && (await searchUnembedded(query, models, SEARCH_STEP)))
      while (!signal.aborted && (await dropOldEmbeddings(query, DROP_STEP)));
    },
  }
}

/**
 * Works off what waits, until nothing does. What was taken and could not be embedded is free again, unless this process dies: then it is a few
 * minutes later.
 *
 * @throws EmbeddingError where nothing can be embedded at the moment: what waits goes on waiting.
 */
export async function embedQueued(
  work: Work,
  wanted: Wanted = {},
  onDone: (subjects: number) => void = () => {},
): Promise<void> {
  const { query, provider, signal } = work
  const models = modelsOf(provider)
  let after = NOBODY
  while (!signal.aborted) {
    const held = randomUUID()
    const most = provider.limits.textsPerRequest
    const claimed = await claimEmbeddings(query, { models, most, after, held, ...wanted })
    if (claimed.length === 0) return
    after = claimed.at(-1)!.tenant
    try {
      await embedClaimed(work, models, claimed, held)
    } catch (error) {
      await letGo(work, claimed, held, error)
      if (signal.aborted) return
      throw error
    }
    onDone(claimed.length)
  }
}

async function letGo(
  { query, signal, logger }: Work,
  claimed: readonly Claimed[],
  held: string,
  error: unknown,
): Promise<void> {
  try {
    await holdEmbeddings(query, claimed, held, false)
    if (signal.aborted) return
    const { message } = error as Error
    await noteEmbeddingFailure(query, message, error instanceof EmbeddingError ? error.retryAfterMs : null)
  } catch (unstored) {
    logger.warn(
      { reason: (unstored as Error).message },
      'what waits for embeddings could not be let go: it is taken up in five minutes',
    )
  }
}

async function embedClaimed(
  work: Work,
  models: EmbeddingModels,
  claimed: readonly Claimed[],
  held: string,
): Promise<void> {
  const { query, provider, signal, logger } = work
  const texts = new Map<string, string>()
  const results: Result[] = []
  const toMake: Result[] = []
  for (const { anew, thing, ...subject } of claimed) {
    const said = textOf(subject, thing, logger)
    if (typeof said === 'object') results.push({ ...subject, ...said })
    else {
      const sha256 = createHash('sha256').update(said).digest('hex')
      texts.set(sha256, said)
      ;(anew ? toMake : results).push({ ...subject, sha256 })
    }
    // A long trajectory takes a while; requests come in between.
    await setImmediate()
  }
  const open = new Set((await storeEmbeddings(query, { held, models, results })).map(keyOf))
  toMake.push(...results.filter((result) => open.has(keyOf(result))))
  if (toMake.length === 0) return
  // Equal texts once.
  const hashes = [...new Set(toMake.map(({ sha256 }) => sha256!))]
  const holding = setInterval(() => {
    holdEmbeddings(query, claimed, held, true).catch(({ message }: Error) =>
      logger.warn({ reason: message }, 'could not hold what is being embedded'),
    )
  }, HOLD_MS).unref()
  let embedded: Embedded[]
  try {
    embedded = await provider.embed(
      hashes.map((hash) => texts.get(hash)!),
      signal,
    )
  } finally {
    clearInterval(holding)
  }
  const made = new Map(hashes.map((hash, at) => [hash, embedded[at]!]))
  await storeEmbeddings(query, {
    held,
    models,
    results: toMake.map((result) => {
      const vector = made.get(result.sha256!)!
      return vector instanceof UnembeddableText
        ? { ...result, reason: vector.reason }
        : { ...result, vector: halfvecText(vector) }
    }),
  })
}

/** What is embedded of it, or why nothing is. */
function textOf({ kind, subject }: Subject, thing: JsonValue, logger: Logger): string | Partial<Result> {
  if (thing === null) return { gone: true }
  if (kind === 'trajectory' && !(thing as { hasWords?: boolean }).hasWords)
    return { reason: 'It has no steps.' }
  try {
    const text = TEXTS[kind].of(thing as never)
    return isBlank(text) ? { reason: BLANK_TEXT } : text
  } catch (error) {
    // It would fail the next time as well, and hold up all that comes behind it.
    logger.error({ err: error, kind, subject }, 'what is embedded could not be put into words')
    return { reason: `It could not be put into words: ${(error as Error).message}` }
  }
}

function keyOf({ tenant, kind, subject }: Subject): string {
  return `${tenant} ${kind} ${subject}`
}
