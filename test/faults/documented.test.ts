import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const page = readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8')
const sources = readdirSync(import.meta.dirname)
  .filter((file) => /^(login|mail)-.*\.test\.ts$/.test(file))
  .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))

/** What varies within a case is `...` in its name there. */
const asDocumented = (name: string): string => name.replaceAll(/\$\{.+?\}(?=[^})]|$)/g, '...')
const names = sources.flatMap((source) =>
  [...source.matchAll(/^ {2,8}name: (['"`])(.*)\1,$/gm)].map(([, , name = '']) =>
    asDocumented(name),
  ),
)
const numbered = sources.flatMap((source) =>
  [...source.matchAll(/^ *number: '(.*)',\n *name: (['"`])(.*)\2,$/gm)].map(
    ([, number = '', , name = '']) => `${number}: ${asDocumented(name)}`,
  ),
)
const rows = [...page.matchAll(/^\| ([A-Z]\d+) \| (.+?) \| .+ \| .+ \|$/gm)]

it('docs/faults.md names each case, and no other', () => {
  const documented = rows.map(([, , name]) => name)
  expect(documented.toSorted()).toEqual([...new Set(names)].toSorted())
  expect(documented.length).toBeGreaterThan(80)
})

it('docs/faults.md gives each case a number of its own', () => {
  const numbers = rows.map(([, number]) => number)
  expect(new Set(numbers).size).toBe(numbers.length)
})

it('docs/faults.md and the tests behind the login number the cases alike', () => {
  const documented = new Set(rows.map(([, number, name]) => `${number}: ${name}`))
  expect(numbered.filter((one) => !documented.has(one))).toEqual([])
})

it('docs/faults.md names no test file that is not there', () => {
  const files = [...page.matchAll(/(?<![\w/-])([a-z0-9]+\/)?([a-z0-9-]+\.test\.ts)/g)]
  for (const [, folder = 'faults/', file = ''] of files) {
    const isThere = readdirSync(new URL(`../${folder}`, import.meta.url)).includes(file)
    expect(isThere, `${folder}${file}`).toBe(true)
  }
})

it('docs/faults.md names, for each fault of its catalogue, cases or tests that are there', () => {
  const catalogue = [...page.matchAll(/^\| (F\d+) \| [^|]+ \| ([^|]+) \|$/gm)]
  const faults = catalogue.map(([, fault]) => fault)
  expect(faults).toEqual(Array.from({ length: 70 }, (_, at) => `F${at + 1}`))
  const numbers = new Set(rows.map(([, number]) => number))
  const unknown = catalogue.flatMap(([, , proofs = '']) =>
    proofs.split(', ').filter((proof) => !numbers.has(proof) && !proof.endsWith('.test.ts')),
  )
  expect(unknown).toEqual([])
})
