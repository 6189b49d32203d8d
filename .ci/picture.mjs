// The picture of the folders in src: how many files each holds, how many arrows (imports of one file by another) lead
// from folder to folder, and whether any of them run in a circle. `npm run picture`; exits 1 when there is a circle.
import { cruise } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'

const { output } = await cruise(
  ['src'],
  {
    exclude: '^src/db/generated/',
    includeOnly: '^src/',
    tsPreCompilationDeps: true,
  },
  {},
  { tsConfig: extractTSConfig('tsconfig.json') },
)

/** From each file to those that it imports. */
const arrows = new Map(
  output.modules.map(({ source, dependencies }) => [source, dependencies.map(({ resolved }) => resolved)]),
)
const folderOf = (file) => file.split('/').slice(0, -1).join('/')
const folders = new Map()
const between = new Map()
for (const [file, targets] of arrows) {
  const folder = folderOf(file)
  folders.set(folder, [...(folders.get(folder) ?? []), file])
  for (const target of targets) {
    const to = folderOf(target)
    if (to === folder) continue
    if (!between.has(folder)) between.set(folder, new Map())
    between.get(folder).set(to, (between.get(folder).get(to) ?? 0) + 1)
  }
}

const rows = [...folders].sort(([a], [b]) => (a < b ? -1 : 1))
const width = Math.max(...rows.map(([folder]) => folder.length))
for (const [folder, files] of rows) {
  const out = [...(between.get(folder) ?? [])].sort(([, a], [, b]) => b - a)
  console.log(
    `${folder.padEnd(width)}  ${String(files.length).padStart(3)} files  → ${out.map(([to, n]) => `${to.replace(/^src\/?/, '') || 'src'} ${n}`).join(', ') || 'nothing'}`,
  )
}

const ofFiles = circles(arrows)
// The files at the top are the words that everyone uses, and the wiring that uses everyone; a folder and one inside it are
// one room.
const ofFolders = circles(
  new Map(
    [...between].map(([folder, to]) => [
      folder,
      [...to.keys()].filter(
        (other) =>
          ![folder, other].includes('src') &&
          !`${folder}/`.startsWith(`${other}/`) &&
          !`${other}/`.startsWith(`${folder}/`),
      ),
    ]),
  ),
)
const count = [...arrows.values()].reduce((sum, targets) => sum + targets.length, 0)
console.log(
  `\n${arrows.size} files in ${folders.size} folders, ${count} arrows between files, ${[...between.values()].reduce((sum, to) => sum + to.size, 0)} between folders.`,
)
for (const [what, found] of [
  ['files', ofFiles],
  ['folders', ofFolders],
]) {
  console.log(`Circles of ${what}: ${found.map((circle) => circle.join(' ↔ ')).join('; ') || 'none'}`)
}
process.exitCode = ofFiles.length + ofFolders.length === 0 ? 0 : 1

/** The strongly connected components of more than one file (Tarjan). */
function circles(graph) {
  const found = []
  const indexOf = new Map()
  const lowOf = new Map()
  const stack = []
  const visit = (node) => {
    indexOf.set(node, indexOf.size)
    lowOf.set(node, indexOf.get(node))
    stack.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!indexOf.has(next)) visit(next)
      if (stack.includes(next)) lowOf.set(node, Math.min(lowOf.get(node), lowOf.get(next)))
    }
    if (lowOf.get(node) === indexOf.get(node)) {
      const circle = stack.splice(stack.indexOf(node))
      if (circle.length > 1) found.push(circle)
    }
  }
  for (const node of graph.keys()) if (!indexOf.has(node)) visit(node)
  return found
}
