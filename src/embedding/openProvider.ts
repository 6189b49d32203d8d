import type { EmbeddingsConfig } from '../config.ts'
import { EmbeddingError, type EmbeddingProvider } from './embeddingProvider.ts'
import { MinilmProvider } from './minilmProvider.ts'
import { OpenAiProvider } from './openAiProvider.ts'

/**
 * What the settings name; null where they say that there is none. Asks nobody and loads nothing yet. `isPatient`: the model of this
 * process leaves the cores to all else.
 */
export function openProvider(config: EmbeddingsConfig, { isPatient = false } = {}): EmbeddingProvider | null {
  if (config.provider === 'openai') return new OpenAiProvider(config)
  return config.provider === 'minilm' ? new MinilmProvider({ isPatient }) : null
}

/**
 * For whoever cannot do without.
 *
 * @throws EmbeddingError where there is none.
 */
export function neededProvider(provider: EmbeddingProvider | null): EmbeddingProvider {
  if (provider) return provider
  throw new EmbeddingError('This server makes no embeddings: ARC_EMBEDDINGS is "none".', { isPassing: false })
}
