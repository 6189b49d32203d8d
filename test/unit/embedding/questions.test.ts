import { expect, it } from 'vitest'
import { Embeddings } from '../../../src/embedding/embeddings.ts'
import { Questions } from '../../../src/embedding/questions.ts'
import { answerOf, type Behaviour, EmbeddingEndpoint, embeddingOf } from '../../support/embeddingEndpoint.ts'
import { SOON } from '../../support/soon.ts'

const vectors: Behaviour = ({ body }) => answerOf(body.input.map((text) => embeddingOf(text, 8)))

async function opened(behaviour: Behaviour) {
  const endpoint = await EmbeddingEndpoint.start(behaviour)
  const { url } = endpoint
  const embeddings = new Embeddings({
    provider: 'openai',
    url,
    model: 'm',
    key: undefined,
    dimensions: undefined,
  })
  const asked = () => endpoint.requests.flatMap(({ body }) => body.input)
  const close = async () => {
    await embeddings.close()
    await endpoint.close()
  }
  return { embeddings, asked, close }
}

it('many texts of one operation leave the model’s turns to others', async () => {
  const { embeddings, asked, close } = await opened(() => 'silence')
  const greedy = new Questions(embeddings)
  const answers = Array.from({ length: 100 }, (_, at) => greedy.vectorOf('failure', `text ${at}`))
  await expect.poll(asked, SOON).toHaveLength(4)
  const other = new Questions(embeddings).vectorOf('failure', 'of another')
  await expect.poll(asked, SOON).toContain('of another')
  expect(asked()).toHaveLength(5)
  await close()
  for (const answer of await Promise.all([...answers, other]))
    expect(answer).toEqual({ vector: null, because: 'provider_failed' })
})

it('each text of an operation is asked for once, and all are answered', async () => {
  const { embeddings, asked, close } = await opened(vectors)
  const questions = new Questions(embeddings)
  const texts = Array.from({ length: 30 }, (_, at) => 'x'.repeat((at % 10) + 1))
  const answers = await Promise.all(texts.map((text) => questions.vectorOf('failure', text)))
  expect([...asked()].sort()).toEqual([...new Set(texts)].sort())
  for (const [at, { vector }] of answers.entries()) {
    expect(JSON.parse(vector!)).toHaveLength(1536)
    expect(vector).toBe(answers[at % 10]!.vector)
  }
  expect(new Set(answers.map(({ vector }) => vector)).size).toBe(10)
  await close()
})
