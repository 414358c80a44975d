from __future__ import annotations

from typing import Any

import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.corpus import StepSection
from domainbert_clinical.personal import PATTERNS, without_personal_data

FOUND = [
    ("Write to pat.doe+x@mail.example.org.", "Write to email.", "emails"),
    ("See https://portal.example.org/a?b=1, please.", "See website, please.", "urls"),
    ("DOB: 4/17/1961.", "DOB: date.", "birth_dates"),
    ("Date of Birth:\n04/17/1961", "Date of Birth:\ndate", "birth_dates"),
    ("She was born on April 3, 1948 at home.", "She was born on date at home.", "birth_dates"),
    ("He was born in 1952.", "He was born in date.", "birth_dates"),
    ("DOB: January 2nd, 1934.", "DOB: date.", "birth_dates"),
    ("DOB 2nd of January, 1934; DOB: Jan. 3rd 1934.", "DOB date; DOB: date.", "birth_dates"),
    ("Born on the 21st of April 1948.", "Born on the date.", "birth_dates"),
    ("DOB is May 1st, '34; DOB: January 1934.", "DOB is date; DOB: date.", "birth_dates"),
    ("DOB: 02-Jan-1934, DOB: 2/Jan/34.", "DOB: date, DOB: date.", "birth_dates"),
    ("DOB = 1934/01/02, DOB - 1934.1.2.", "DOB = date, DOB - date.", "birth_dates"),
    ("SSN 123 45 6789, SSN: 123.45.6789.", "SSN number, SSN: number.", "record_numbers"),
    ("SSN#123 45 6789; SS# 123.45.6789.", "SSN#number; SS# number.", "record_numbers"),
    ("SSN 123 45 6789 12/24/2010.", "SSN number 12/24/2010.", "record_numbers"),
    ("SSN: 123 - 45 - 6789.", "SSN: number.", "record_numbers"),
    ("Soc. Sec. no. 123 45 6789.", "Soc. Sec. no. number.", "record_numbers"),
    ("Social Security Number: 123 45 6789.", "Social Security Number: number.", "record_numbers"),
    ("MRN 12 34 56; MRN:\n004 51 23.", "MRN number; MRN:\nnumber.", "record_numbers"),
    ("Health card 1234 567 890.", "Health card number.", "record_numbers"),
    ("Account number 1234 5678 9012.", "Account number number.", "record_numbers"),
    ("MRN 123 456 789 67-year-old man.", "MRN number 67-year-old man.", "record_numbers"),
    ("Card 123\u201145\u20116789.", "Card number.", "social_security_numbers"),
    ("MRN 0045123 was used.", "MRN number was used.", "record_numbers"),
    ("Medical record number: AB-4456123.", "Medical record number: number.", "record_numbers"),
    ("MRN 12-34-56, MRN: 10-12-2010.", "MRN number, MRN: number.", "record_numbers"),
    ("Visit #10-12345; policy 2001-200345.", "Visit #number; policy number.", "record_numbers"),
    ("SSN is 123-45-6789.", "SSN is number.", "record_numbers"),
    ("Card 123-45-6789.", "Card number.", "social_security_numbers"),
    ("Call (617) 555-0142 at once.", "Call phone at once.", "phones"),
    ("Call 617-555-0142 or 617.555.0142.", "Call phone or phone.", "phones"),
    ("Rang +44 20 7946 0958 twice.", "Rang phone twice.", "phones"),
    ("Use pager 3382.", "Use pager phone.", "phones"),
    ("Call 617 555 0142.", "Call phone.", "phones"),
    ("Call 617 555 4500; phone 6175 554500.", "Call phone; phone phone.", "phones"),
    ("Phone: 617 555 0142, tel. 617 555 0142.", "Phone: phone, tel. phone.", "phones"),
    ("Fax 555 0142, fax no.: 617 555 0142.", "Fax phone, fax no.: phone.", "phones"),
    ("Tel 020 7946 0958; call 555-0142.", "Tel phone; call phone.", "phones"),
    ("Her number is 617 555 0142.", "Her number is phone.", "phones"),
    ("Rang (617) 555 0142, (617)-555-0142.", "Rang phone, phone.", "phones"),
    ("Rang 617 555-0142, 1 617 555 0142.", "Rang phone, phone.", "phones"),
    ("Rang 617-555 0142, 1.617.555.0142.", "Rang phone, phone.", "phones"),
    ("Rang 617\u2011555\u20110142.", "Rang phone.", "phones"),
    ("Call her at 617 555 2000 x 12.", "Call her at phone x 12.", "phones"),
    ("Telephone : 495 777-34-77 rang.", "Telephone : phone rang.", "phones"),
    ("Pager: 3382, beeper #3382.", "Pager: phone, beeper #phone.", "phones"),
    ("Rang +44 (0)20 7946 0958.", "Rang phone.", "phones"),
    ("Rang +1 617 555 0142 or +1 (617) 555-0142.", "Rang phone or phone.", "phones"),
    ("Rang +1-617-555-0142, +16175550142.", "Rang phone, phone.", "phones"),
    ("Rang +49 30 12345678 12/24/2015.", "Rang phone 12/24/2015.", "phones"),
    ("Rang +49170 1234567 or +442079460958.", "Rang phone or phone.", "phones"),
    ("Rang +33 1 70 18 99 00, +7 495 123-45-67.", "Rang phone, phone.", "phones"),
    ("Rang +47 22 12 34 56, +32 2 123 45 67.", "Rang phone, phone.", "phones"),
    ("Rang +65 6123 4567, +852 2345 6789.", "Rang phone, phone.", "phones"),
    ("Rang +420 777 123 456, +353 1 234 5678.", "Rang phone, phone.", "phones"),
    ("Log 44109281 was closed.", "Log number was closed.", "long_numbers"),
    ("A 92-year-old man, 104 y/o wife.", "A 90-year-old man, 90 y/o wife.", "ages_over_89"),
    ("Age: 95; age 95 M; age of 94.", "Age: 90; age 90 M; age of 90.", "ages_over_89"),
    ("94F with cough. 97M who fell.", "90F with cough. 90M who fell.", "ages_over_89"),
    ("She is 97y, he 97 y, or 95 y o.", "She is 90y, he 90 y, or 90 y o.", "ages_over_89"),
    ("A 94yoF and a 96 y/o M.", "A 90yoF and a 90 y/o M.", "ages_over_89"),
    ("A ninety-two-year-old man.", "A 90-year-old man.", "ages_over_89"),
    ("Ninety two years old; ninety y/o.", "90 years old; 90 y/o.", "ages_over_89"),
    ("AGED NINETY-FIVE, age: ninety-one.", "AGED 90, age: 90.", "ages_over_89"),
    (
        "A hundred-year-old man, aged one hundred and two.",
        "A 90-year-old man, aged 90.",
        "ages_over_89",
    ),
    ("One hundred three years of age.", "90 years of age.", "ages_over_89"),
    ("A 92 yr-old; a 93-yr-old.", "A 90 yr-old; a 90-yr-old.", "ages_over_89"),
    ("Aged 94, she dances.", "Aged 90, she dances.", "ages_over_89"),
    ("Dr. Alma Quist and Mrs. O'Hara came.", "Dr. name and Mrs. name came.", "names_behind_titles"),
    (
        "Dr. J. Smith, Dr. J Smith, Dr. A.B. Smith.",
        "Dr. name, Dr. name, Dr. name.",
        "names_behind_titles",
    ),
    ("DR. SMITH, Mrs. QUIST, DR. Ng.", "DR. name, Mrs. name, DR. name.", "names_behind_titles"),
    ("MR. SMITH SEEN TODAY.", "MR. name SEEN TODAY.", "names_behind_titles"),
    ("MS. ALMA QUIST WAS SEEN.", "MS. name WAS SEEN.", "names_behind_titles"),
    ("Dr.Smith, Mr.Smith, Ms Smith.", "Dr. name, Mr. name, Ms name.", "names_behind_titles"),
    ("Dr. von Neumann, Dr. De La Cruz.", "Dr. name, Dr. name.", "names_behind_titles"),
    ("Dr. Mary-Ann de la Cruz, DR. VAN DER BERG.", "Dr. name, DR. name.", "names_behind_titles"),
    (
        "Drs. Smith and Jones; Drs. Lee, A. Ray and Dr. Poe.",
        "Drs. name; Drs. name and Dr. name.",
        "names_behind_titles",
    ),
    ("dr. Smith, mr Smith, prof. Müller.", "dr. name, mr name, prof. name.", "names_behind_titles"),
    ("Dr. Smith's plan; Mr. Alma B. Quist.", "Dr. name plan; Mr. name.", "names_behind_titles"),
    (
        "Dr.  Smith, Dr. J.-P. Smith, Drs. Smith/Lee.",
        "Dr. name, Dr. name, Drs. name.",
        "names_behind_titles",
    ),
    ("Dr. Smith Mr. Jones", "Dr. name Mr. name", "names_behind_titles"),
    ("Mr. Smith-Jones denies pain.", "Mr. name denies pain.", "names_behind_titles"),
]


@pytest.mark.parametrize(("text", "expected", "kind"), FOUND)
def test_personal_data_is_hidden_and_counted(
    passed: Any, text: str, expected: str, kind: str
) -> None:
    texts, counts = passed("note-personal-data", text)
    assert (texts, set(counts.reasons)) == ([expected], {kind})
    assert without_personal_data(text) == expected
    again, counts = passed("note-personal-data", expected)
    assert again == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "BP 120/80, HR 92, RR 14, SpO2 97% on 2 L.",
        "Sodium 138, platelets 250000, glucose 104, INR 2.1.",
        "A load of 2400000 copies; 1200000 IU of penicillin.",
        "An 89-year-old man; 95 mg; aged 95 days.",
        "She takes MS Contin 15 mg; MR Angiography was normal; mild MR. Patient well.",
        "T10-T12, L4-L5, 5-0 nylon, 21-gauge needle, 10-20-30 taper.",
        "The patient 45 lives here; unit 12 is full; visit 3 of 6.",
        "Doctor: How are you? Patient: Well.",
        "Seen on 3/4/2021 for a cough.",
        "QTc 430 ms. Normal axis. QRS 92 ms Normal. MODERATE MR. NORMAL LV. 2+ MR. LVEF 55%.",
        "Mild MR. Aortic valve opens. HISTORY OF MS. PATIENT WELL. mRS Score 2. NO DR. OD FLAT.",
        "Visit 10-12-2010, visit 3-14-21. Patient 2010-10-12. Policy 2001-2003.",
        "Urine >10000000 CFU/ml, 10000000 cfu/mL.",
        "T 95 F; 98F at noon; temp 101F with rigors; fever to 102 F with chills.",
        "Bone age 110 months, age 95 days, age: 95%; age 95th percentile; ages: 95, age 95-97.",
        "I/O: +1200 110/70, net +1500 120-140, lactate +2 12 14.",
        "Edema +1 12/24/2015; edema +2 12-24-2015. Pulses +2 10/12 bilaterally.",
        "BP 120 80, 617 555 alone, call 617 555, call 120 80, HR 92 88 1200.",
        "Take 100 200 4000 units, then 250 500 1000 mg or 300 400 2012 mL.",
        "I/O 800 600 2400; net 500 300 2250; in 212 345 1987 cc.",
        "Platelets 212 345 1987 2201; 98 212 345 1987; 1.212 345 1987; 212 345 1987.5.",
        "T cell 1200 900; on call 2015; call 3 times; phone visit 3; fax pages 12 of 40.",
        "Called on 12-12-2010, called 12 12 2010; call 120 80 90 100, call 2010.10.12.",
        "Call 250 300 4000 units, call 2500 300 mg, called 100 200 4000 mL.",
        "Tel aviv 2010; phone 12 30; call 250 mg; call for glucose over 250 300 4000 units.",
        "Ninety days, ninety mg, ninety percent, ninety years ago, aged ninety days.",
        "A ninety-degree turn; a hundred beats; one hundred years ago; age ninety-six months.",
        "Social security for 20 years. Medical record 12 pages. MRN pending. SSN 12 34.",
        "Account 10 12 2010; visit 12 34 56; patient 45 120 80; unit 12 10 08.",
        "He was born in the 2nd week; born on 3 East; born at 37 weeks in May 20 cm long.",
        "SS 120 45 1200; Na 138.45.1200; ratio 123.45.6789.",
        "Net +1500 1200-2400, +2500 1200 3700, +250 1200 2400; +30 120 130 140/90.",
    ],
)
def test_values_doses_and_other_dates_stay(passed: Any, text: str) -> None:
    texts, counts = passed("note-personal-data", text)
    assert (texts, counts.reasons) == ([text], {})


def test_every_kind_has_a_test() -> None:
    assert {kind for _, _, kind in FOUND} == set(PATTERNS)


def test_kinds_can_be_chosen_and_all_of_it_turned_off(passed: Any) -> None:
    text = "Call 617-555-0142 or a@example.org."
    for kinds, expected in (
        (["phones"], "Call phone or a@example.org."),
        ([], text),
    ):
        step = StepSection(name="note-personal-data", options={"remove": kinds})
        assert passed(step, text)[0] == [expected]


@pytest.mark.parametrize(
    ("remove", "error"),
    [
        (["phones", "zip_codes"], "remove: 'zip_codes' is none of emails, urls"),
        ("phones", "remove: expected a list with some of emails"),
    ],
)
def test_other_values_are_refused(passed: Any, remove: Any, error: str) -> None:
    step = StepSection(name="note-personal-data", options={"remove": remove})
    with pytest.raises(RecipeError, match=error):
        passed(step, "Text.")
