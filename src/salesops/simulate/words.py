"""Word lists the simulator puts names together from. None stands for a real person or firm."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.simulate.calendar_days import Ints


def _listed(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _listed(
    "Ada Adrian Aiko Alba Alma Amir Ana Anders Anika Anton Aria Arjun Arne Asha Astrid Aziz Bea Bela Bram "
    "Bruno Carla Cem Chiara Chidi Clara Cora Dalia Dana Daria Deniz Diego Dina Edda Eero Elena Elif Elin "
    "Emeka Emil Enzo Eva Farid Femi Filip Flora Freya Gael Gita Goran Greta Hana Hassan Hedda Hugo Ida "
    "Ilse Imani Ines Ingrid Ivan Jana Jasper Jelena Joao Jonas Jun Kai Kamal Karin Katya Kenji Kira Lars "
    "Leila Lena Leo Lina Linnea Luca Lucia Maja Malik Mara Marco Marta Mateo Mei Mila Mina Naomi Nico "
    "Nina Noor Nora Oda Olga Omar Otto Paula Petra Priya Rafael Ravi Rika Rosa Runa Sami Sara Selma Sofia "
    "Stella Sven Tara Theo Tiago Uma Vera Viktor Wei Yara Yusuf Zoe"
)
LAST_NAMES = _listed(
    "Abbot Acker Adair Alder Almgren Amsel Anker Arden Ashby Aster Bachmann Bakker Balder Banks Barley "
    "Beck Bellamy Benett Berger Birch Blom Bolt Borg Bracken Brandt Bridger Brook Calder Carver Castell "
    "Chandler Cole Conway Croft Dahl Dale Darrow Dekker Delmar Drake Dunmore Eklund Ellery Elm Falk "
    "Fenwick Ferrant Field Finch Fjord Flint Forsberg Frost Gable Garland Gill Glenn Grove Hale Halvor "
    "Harrow Hart Haven Hazel Heath Hedman Hill Holm Holt Ibsen Irving Jansen Jarvis Kane Keller Kestrel "
    "Kirk Kjell Lake Lang Larkin Lind Linden Locke Lund Marsh Mercer Meyer Mill Moor Moss Nash Nord "
    "Norling Oakes Olden Orchard Osborn Palm Park Pell Perrin Pike Quill Quist Ramsey Reed Ridge Roth "
    "Rowan Sand Sears Shore Skov Sorrel Stark Steen Stone Strand Swan Tanner Thorne Tide Torv Vale Vance "
    "Voss Wade Ward Weaver Wells West Wilder Winter Wolfe Wren Yates York Zeller"
)
NAME_STARTS = _listed(
    "Alder Amber Arc Ash Bay Birch Blue Bold Bright Brook Cedar Clear Cliff Cloud Coal Copper Coral Crest "
    "Crown Dawn Deep Dune East Elm Ever Fair Far Fern Field Fir Flint Fox Frost Gold Grand Gray Green "
    "Grove Gull Harbor Hawk Hazel Heath High Hill Iron Ivy Jade Kite Lake Lark Laurel Lime Lone Long "
    "Maple Mark Mill Mist Moon Moss New North Oak Ocean Old Olive Onyx Opal Owl Peak Pearl Pine Plain "
    "Quartz Quick Rain Red Ridge River Rock Rose Rowan Sage Salt Sand Sea Shore Silver Sky Slate Snow "
    "South Spring Star Steel Stone Storm Summer Sun Swift Tall Teal Thistle Tide True Vale West White "
    "Wild Willow Wind Winter Wood"
)
NAME_ENDS = _listed(
    "beam bend bluff bond bourne bridge brook burn cliff cove craft crest croft dale dell den edge fall "
    "fell field fjord flow font ford forge gate glade glen grove hall haven heath hill hold hollow holm "
    "house land lane leaf light line loch mark mead mere mill moor mount nest path peak pond port reach "
    "ridge rise rock root shore side spire spring stead stone stream tide tower trail vale view wall ward "
    "water way well wharf wick wood works yard"
)
NAME_TRADES = _listed(
    "Analytics Apparel Automation Bakeries Bearings Beverages Biotech Builders Capital Ceramics Chemicals "
    "Clinics Components Controls Dairy Devices Dynamics Energy Engineering Farms Fabrics Finance Foods "
    "Freight Furniture Games Glass Group Health Holdings Hotels Insurance Interiors Laboratories Leasing "
    "Lighting Logistics Machines Marine Materials Media Metals Mobility Motors Networks Optics Packaging "
    "Paper Partners Pharma Plastics Printing Properties Rail Retail Robotics Schools Security "
    "Semiconductors Services Shipping Software Solar Stores Studios Systems Telecom Textiles Tools Toys "
    "Trading Travel Utilities Ventures Water"
)
NAME_FORMS = ("Inc", "Ltd", "GmbH", "LLC", "Corp", "BV", "AB", "SA", "Pty", "Co")
INDUSTRIES = (
    "Manufacturing",
    "Financial services",
    "Healthcare",
    "Retail",
    "Technology",
    "Logistics",
    "Energy",
    "Education",
    "Media",
    "Public sector",
)
COUNTRY_VARIANTS = {
    "United States": ("USA", "U.S.", "US", "united states"),
    "United Kingdom": ("UK", "Great Britain", "U.K."),
    "Germany": ("Deutschland", "DE"),
    "Netherlands": ("The Netherlands", "NL"),
}
LOSS_REASONS = (
    "Price",
    "No decision",
    "Competitor",
    "Missing feature",
    "Timing",
    "Lost contact",
    "Budget cut",
)
COMPETITORS = ("Kestrel CRM", "Northbeam Suite", "Pelican Cloud", "Quarry Systems")
LEAD_SOURCES = ("Inbound web", "Event", "Partner", "Outbound", "Referral", "Customer")
NEXT_STEPS = (
    "Send proposal",
    "Book demo",
    "Call the economic buyer",
    "Legal review",
    "Agree close plan",
    "Follow up on pricing",
)
TITLES = ("CFO", "Head of Operations", "IT Director", "Procurement Lead", "VP Sales", "COO", "Analyst", "CIO")
COMPANY_NAMES = len(NAME_STARTS) * len(NAME_ENDS) * len(NAME_TRADES) * len(NAME_FORMS)
_STRIDE = 1_000_003
"""A prime that shares no factor with the number of company names, so that stepping by it visits each once."""


def pick(words: tuple[str, ...] | list[str], index: Ints) -> pa.Array:
    """The words at the given places."""
    return pa.array(words, pa.string()).take(pa.array(index))


def company_names(index: Ints) -> pa.Array:
    """Distinct company names for record numbers below :data:`COMPANY_NAMES`."""
    rest = (index * _STRIDE + 271_828) % COMPANY_NAMES
    rest, form = np.divmod(rest, len(NAME_FORMS))
    rest, trade = np.divmod(rest, len(NAME_TRADES))
    start, end = np.divmod(rest, len(NAME_ENDS))
    stem = pc.binary_join_element_wise(pick(NAME_STARTS, start), pick(NAME_ENDS, end), "")
    return pc.binary_join_element_wise(stem, pick(NAME_TRADES, trade), pick(NAME_FORMS, form), " ")


def person_names(index: Ints) -> tuple[pa.Array, pa.Array]:
    """First and last names for person numbers; distinct below their product."""
    first = index % len(FIRST_NAMES)
    last = (index // len(FIRST_NAMES) + first * 37) % len(LAST_NAMES)
    return pick(FIRST_NAMES, first), pick(LAST_NAMES, last)


def domains(names: pa.Array) -> pa.Array:
    """A reserved ``.example`` domain made from each name."""
    return pc.binary_join_element_wise(
        pc.replace_substring_regex(pc.utf8_lower(names), "[^a-z0-9]", ""), "example", "."
    )
