import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

const DOM = ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts']

/** A folder as another program has it, with this package among its node_modules. */
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arc-consumer-'))
  const installed = join(folder, 'node_modules/arc-eval')
  await mkdir(installed, { recursive: true })
  await copyFile(join(root, 'package.json'), join(installed, 'package.json'))
  for (const name of ['eventsource-parser', '@types']) {
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  await copyFile(join(root, 'test/support/consumer.ts'), join(folder, 'consumer.mts'))
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  // As it is built, but that nothing of Node is known here.
  const built = {
    ...options,
    types: [],
    lib: DOM,
    skipLibCheck: false,
    noEmit: false,
    declaration: true,
    rootDir: join(root, 'src'),
    outDir: join(installed, 'dist'),
  }
  expect(problems([join(root, 'src/client/index.ts')], built)).toEqual([])
})
afterAll(() => rm(folder, { recursive: true }))

function problems(files: string[], options: ts.CompilerOptions): string[] {
  const program = ts.createProgram(files, options)
  const { diagnostics } = options.noEmit ? { diagnostics: [] } : program.emit()
  return [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(
    ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  )
}

it.each([
  ['nodenext, with the types of Node and no DOM', 'NodeNext', ['lib.es2022.d.ts'], ['node']],
  ['bundler, for the browser', 'Bundler', DOM, []],
] as const)('hold for a consumer with moduleResolution %s', (_, moduleResolution, lib, types) => {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: moduleResolution === 'Bundler' ? ts.ModuleKind.ESNext : ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind[moduleResolution],
    strict: true,
    exactOptionalPropertyTypes: false,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    lib: [...lib],
    types: [...types],
  }
  expect(problems([join(folder, 'consumer.mts')], options)).toEqual([])
})
