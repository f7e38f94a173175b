import { navigation, placeOf } from './navigation.ts';
import { slug } from './slug.ts';

const link = (page: string) => `/${placeOf(page).replace(/index$/, '')}`;

/** Tables are most of the reference: they get room. */
const style =
  '.VPDoc.has-aside .content-container { max-width: 900px !important } .vp-doc :is(th, td) { padding: 6px 10px; vertical-align: top }';

/** The generator's own configuration. Whatever a page needs comes with the site: nothing is fetched from elsewhere. */
export default {
  title: 'Grantgate',
  description: 'A policy-as-code gateway for APIs whose access reviews happen in Git',
  lang: 'en',
  base: process.env.DOCS_BASE ?? '/',
  // A page that links to what is not there is no page.
  ignoreDeadLinks: false,
  head: [
    ['link', { rel: 'icon', href: 'data:,' }],
    ['style', {}, style],
  ],
  // Of the languages that are highlighted, this one looks most like Rego.
  markdown: { anchor: { slugify: slug }, languageAlias: { rego: 'python' } },
  themeConfig: {
    nav: [
      { text: 'Tutorial', link: '/tutorial' },
      { text: 'Guide', link: '/guide' },
      { text: 'Reference', link: '/reference/commands' },
      { text: 'Incidents', link: '/incidents' },
    ],
    sidebar: navigation.map(([text, entries]) => ({
      text,
      items: entries.map(([name, page]) => ({ text: name, link: link(page) })),
    })),
    outline: [2, 3],
    search: { provider: 'local' },
  },
};
