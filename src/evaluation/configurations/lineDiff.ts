/** These lines of one text are in the place of those of the other; numbers count from 0, ends are excluded. */
export interface ChangedBlock {
  oldStart: number
  oldEnd: number
  newStart: number
  newEnd: number
}

/**
 * Where two texts differ, with as few lines removed and added as can be (Myers, "An O(ND) Difference Algorithm", 1986);
 * null when that takes more than `maxEdits` of them. The work grows with their square, and with them times the lines
 * where lines repeat.
 */
export function changedBlocks(
  oldLines: readonly string[],
  newLines: readonly string[],
  maxEdits: number,
): ChangedBlock[] | null {
  const [old, fresh] = numbered(oldLines, newLines)
  const shorter = Math.min(old.length, fresh.length)
  let start = 0
  while (start < shorter && old[start] === fresh[start]) start++
  let end = 0
  while (end < shorter - start && old[old.length - 1 - end] === fresh[fresh.length - 1 - end]) end++
  const edits = shortestEdits(
    old.subarray(start, old.length - end),
    fresh.subarray(start, fresh.length - end),
    maxEdits,
  )
  return edits && blocksOf(edits, start)
}

/** Equal lines have equal numbers. */
function numbered(old: readonly string[], fresh: readonly string[]): [Int32Array, Int32Array] {
  const numbers = new Map<string, number>()
  const numberOf = (line: string) => {
    const number = numbers.get(line) ?? numbers.size
    numbers.set(line, number)
    return number
  }
  return [Int32Array.from(old, numberOf), Int32Array.from(fresh, numberOf)]
}

/** For each line whether it goes or comes. */
interface Edits {
  removed: Uint8Array
  added: Uint8Array
}

/**
 * `furthest[k]` is how many old lines are behind at most, after `edits` edits, where k more old than new lines are. The
 * states after each edit are kept, for the way back.
 */
function shortestEdits(old: Int32Array, fresh: Int32Array, maxEdits: number): Edits | null {
  const most = Math.min(maxEdits, old.length + fresh.length)
  if (Math.abs(old.length - fresh.length) > most) return null
  const furthest = new Int32Array(2 * most + 3)
  const states: Int32Array[] = []
  for (let edits = 0; edits <= most; edits++) {
    for (let k = -edits; k <= edits; k += 2) {
      const at = most + 1 + k
      let x = edits === 0 ? 0 : addsAt(furthest, at, k, edits) ? furthest[at + 1]! : furthest[at - 1]! + 1
      let y = x - k
      while (x < old.length && y < fresh.length && old[x] === fresh[y]) {
        x++
        y++
      }
      furthest[at] = x
      if (x >= old.length && y >= fresh.length) return wayBack(old.length, fresh.length, states)
    }
    states.push(furthest.slice(most + 1 - edits, most + 2 + edits))
  }
  return null
}

/** Whether the way to diagonal `k` comes from an added line; else from a removed one. */
function addsAt(furthest: Int32Array, at: number, k: number, edits: number): boolean {
  return k === -edits || (k !== edits && furthest[at - 1]! < furthest[at + 1]!)
}

function wayBack(oldLength: number, newLength: number, states: Int32Array[]): Edits {
  const removed = new Uint8Array(oldLength)
  const added = new Uint8Array(newLength)
  let k = oldLength - newLength
  for (let edits = states.length; edits > 0; edits--) {
    const state = states[edits - 1]!
    const at = k + edits - 1
    const adds = addsAt(state, at, k, edits)
    k += adds ? 1 : -1
    const x = state[adds ? at + 1 : at - 1]!
    if (adds) added[x - k] = 1
    else removed[x] = 1
  }
  return { removed, added }
}

function blocksOf({ removed, added }: Edits, offset: number): ChangedBlock[] {
  const blocks: ChangedBlock[] = []
  let i = 0
  let j = 0
  while (i < removed.length || j < added.length) {
    const [oldStart, newStart] = [i, j]
    while (removed[i] || added[j]) {
      if (removed[i]) i++
      else j++
    }
    if (i > oldStart || j > newStart)
      blocks.push({
        oldStart: oldStart + offset,
        oldEnd: i + offset,
        newStart: newStart + offset,
        newEnd: j + offset,
      })
    i++
    j++
  }
  return blocks
}
