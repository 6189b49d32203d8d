import type { EmbeddingsConfig } from '../config.ts'
import { EmbeddingError, type EmbeddingProvider } from './embeddingProvider.ts'
import { MinilmProvider } from './minilmProvider.ts'
import { OpenAiProvider } from './openAiProvider.ts'

/** What the settings name; null where they say that there is none. Asks nobody and loads nothing yet. */
export function openProvider(config: EmbeddingsConfig): EmbeddingProvider | null {
  if (config.provider === 'openai') return new OpenAiProvider(config)
  return config.provider === 'minilm' ? new MinilmProvider() : null
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
