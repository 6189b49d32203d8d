import type { EmbeddingsConfig } from '../config.ts'
import { EmbeddingError, type EmbeddingProvider, UnembeddableText } from './embeddingProvider.ts'
import { neededProvider, openProvider } from './openProvider.ts'
import { configurationText } from './texts/configurationText.ts'
import { type EmbeddedText, storedModel } from './texts/embeddedText.ts'
import { failureText } from './texts/failureText.ts'
import { scenarioText } from './texts/scenarioText.ts'
import { trajectoryText } from './texts/trajectoryText.ts'

/** What has a vector, as `store.embeddings` names it. */
export type EmbeddedKind = 'failure' | 'trajectory' | 'scenario' | 'config_version'

/** How things of a kind are said. */
export const TEXTS: Readonly<Record<EmbeddedKind, EmbeddedText<never>>> = {
  failure: failureText,
  trajectory: trajectoryText,
  scenario: scenarioText,
  config_version: configurationText,
}

/** The vector of a question, and the name of what it may be compared with. */
export interface EmbeddedQuery {
  /** As it is stored with the vectors of the kind that was asked for. */
  model: string
  /** 1536 numbers of length 1. */
  vector: Float32Array
}

/**
 * What a server makes embeddings with. Questions do not wait for what the job embeds: the model of this process has a thread for each,
 * which starts with its first text, and only that of the job stands back behind all else.
 */
export class Embeddings {
  /** For questions; null where ARC_EMBEDDINGS is `none`. */
  readonly #questions: EmbeddingProvider | null
  /** For what may take its time; null where ARC_EMBEDDINGS is `none`. */
  readonly background: EmbeddingProvider | null

  constructor(config: EmbeddingsConfig) {
    this.#questions = openProvider(config)
    // An endpoint has its own order.
    this.background =
      config.provider === 'minilm' ? openProvider(config, { isPatient: true }) : this.#questions
  }

  /** Who makes them and with which model; both null where nobody does. */
  get source(): { provider: string | null; model: string | null } {
    const model = this.#questions?.model ?? null
    return { provider: model?.split(':', 1)[0] ?? null, model }
  }

  /** Names of the vectors that this server makes, by kind; null where it makes none. */
  get models(): Readonly<Record<EmbeddedKind, string>> | null {
    return this.#questions && modelsOf(this.#questions)
  }

  /**
   * The vector of a text that somebody asks for things of this kind with. The text is embedded as it is given: it is the caller's to say it
   * as the texts of the kind are said (texts/).
   *
   * @throws EmbeddingError where this server makes no embeddings, where none can be made now, or where there is none of this text;
   * the signal's reason once it is aborted.
   */
  async embedQuery(kind: EmbeddedKind, text: string, signal?: AbortSignal): Promise<EmbeddedQuery> {
    const provider = neededProvider(this.#questions)
    const [vector] = await provider.embed([text], signal)
    if (vector instanceof UnembeddableText)
      throw new EmbeddingError(`The text cannot be embedded. ${vector.reason}`, { isPassing: false })
    return { model: modelsOf(provider)[kind], vector: vector! }
  }

  async close(): Promise<void> {
    await Promise.all([this.#questions?.close(), this.background?.close()])
  }
}

/** What is stored with vectors that the provider makes of the texts of today, by kind. */
export function modelsOf({
  model,
}: Pick<EmbeddingProvider, 'model'>): Readonly<Record<EmbeddedKind, string>> {
  return {
    failure: storedModel(model, TEXTS.failure),
    trajectory: storedModel(model, TEXTS.trajectory),
    scenario: storedModel(model, TEXTS.scenario),
    config_version: storedModel(model, TEXTS.config_version),
  }
}
