//! Two logistic regressions over hashed features, learned together by stochastic descent with `AdaGrad` steps.

use medinjection_fr::language::features::{BUCKET_BITS, features};

use crate::corpus::{Field, Language};

/// The table is the mean of what is learned with each of these seeds, which tells more of new texts than one of them.
const SEEDS: [u64; 3] = [42, 43, 44];
const NUM_EPOCHS: u16 = 7;
const LEARNING_RATE: f32 = 0.25;

/// Epoch from the end of which the weights are averaged.
const AVERAGED_FROM: u16 = 3;

/// Snippets of one to six words that are cut out of each field in each epoch, and their weight beside the field's.
const NUM_SNIPPETS: usize = 10;
const MAX_SNIPPET_WORDS: usize = 6;
const SNIPPET_WEIGHT: f32 = 0.7;

/// Share of the features that are left out, in the share of the texts where some are.
const DROPPED_FEATURES: f64 = 0.1;
const TEXTS_WITH_DROPPED: f64 = 0.7;

/// Largest weight that the table can hold.
const MAX_WEIGHT: f32 = 4.0;

/// One regression: weights by bucket and a bias.
pub(crate) struct Regression {
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: f32,
    squares: Vec<f32>,
    bias_squares: f32,
    buckets_per_weight: usize,
}

impl Regression {
    /// With one weight for so many neighbouring buckets.
    fn new(buckets_per_weight: usize) -> Self {
        let size = (1 << BUCKET_BITS) / buckets_per_weight;
        Self { weights: vec![0.0; size], bias: 0.0, squares: vec![1e-3; size], bias_squares: 1e-3, buckets_per_weight }
    }

    fn learn(&mut self, buckets: &[usize], target: f32, weight: f32, rate: f32) {
        let place = |bucket: &usize| bucket / self.buckets_per_weight;
        let log_odds = self.bias + buckets.iter().map(|bucket| self.weights[place(bucket)]).sum::<f32>();
        let gradient = (1.0 / (1.0 + (-log_odds).exp()) - target) * weight;
        for place in buckets.iter().map(place) {
            self.squares[place] += gradient * gradient;
            self.weights[place] -= rate * gradient / self.squares[place].sqrt();
        }
        self.bias_squares += gradient * gradient;
        self.bias -= rate * gradient / self.bias_squares.sqrt();
    }

    /// One byte a weight, and what one unit of it is worth.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what a byte holds")]
    pub(crate) fn quantised(&self) -> (f32, Vec<i8>) {
        let largest = self.weights.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        let scale = largest.min(MAX_WEIGHT) / 127.0;
        (scale, self.weights.iter().map(|weight| (weight / scale).round().clamp(-127.0, 127.0) as i8).collect())
    }
}

/// Mean of the weights at the end of several epochs, which tells more of new texts than the last weights do, or of several
/// regressions.
#[derive(Default)]
struct Average {
    weights: Vec<f32>,
    bias: f32,
    num_epochs: f32,
}

impl Average {
    fn add(&mut self, regression: &Regression) {
        self.weights.resize(regression.weights.len(), 0.0);
        for (sum, weight) in self.weights.iter_mut().zip(&regression.weights) {
            *sum += weight;
        }
        self.bias += regression.bias;
        self.num_epochs += 1.0;
    }

    /// The regression with the mean in place of its own weights.
    fn into(self, regression: Regression) -> Regression {
        let weights = self.weights.iter().map(|sum| sum / self.num_epochs).collect();
        Regression { weights, bias: self.bias / self.num_epochs, ..regression }
    }
}

/// French against English, and a third language against both.
pub(crate) fn learn(fields: &[Field]) -> (Regression, Regression) {
    let balance = Balance::of(fields);
    let mut averages = (Average::default(), Average::default());
    // A thread a seed; joined in the order of the seeds, so that the sums are the same on every machine.
    std::thread::scope(|scope| {
        let learners = SEEDS.map(|seed| {
            let balance = &balance;
            scope.spawn(move || learn_once(fields, balance, seed))
        });
        for learner in learners {
            let (french, third) = learner.join().expect("learning does not panic");
            averages.0.add(&french);
            averages.1.add(&third);
        }
    });
    (averages.0.into(Regression::new(1)), averages.1.into(Regression::new(2)))
}

fn learn_once(fields: &[Field], balance: &Balance, seed: u64) -> (Regression, Regression) {
    let (mut french, mut third) = (Regression::new(1), Regression::new(2));
    let mut random = Random(seed);
    let mut order: Vec<usize> = (0..fields.len()).collect();
    let mut buckets = Vec::new();
    let mut averages = (Average::default(), Average::default());
    for epoch in 0..NUM_EPOCHS {
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last + 1));
        }
        for (position, index) in order.iter().enumerate() {
            let field = &fields[*index];
            let done = (f32::from(epoch) + share(position, order.len())) / f32::from(NUM_EPOCHS);
            let rate = LEARNING_RATE * (1.0 - done);
            for (text, share) in texts(&field.text, &mut random) {
                buckets.clear();
                features(&text, |bucket| buckets.push(bucket));
                if random.unit() < TEXTS_WITH_DROPPED {
                    buckets.retain(|_| random.unit() >= DROPPED_FEATURES);
                }
                let weight = field.weight * share * balance.factor(field.language, &text);
                match field.language {
                    Language::Both => french.learn(&buckets, 0.5, weight, rate),
                    Language::Third => third.learn(&buckets, 1.0, weight, rate),
                    Language::French => {
                        french.learn(&buckets, 1.0, weight, rate);
                        third.learn(&buckets, 0.0, weight, rate);
                    }
                    Language::English => {
                        french.learn(&buckets, 0.0, weight, rate);
                        third.learn(&buckets, 0.0, weight, rate);
                    }
                }
            }
        }
        if epoch + 1 >= AVERAGED_FROM {
            averages.0.add(&french);
            averages.1.add(&third);
        }
    }
    (averages.0.into(french), averages.1.into(third))
}

/// Number of words from which texts are balanced together.
const MANY_WORDS: usize = 5;

/// Factors that give the languages like weight among the texts of each number of words.
struct Balance([[f32; 3]; MANY_WORDS]);

impl Balance {
    fn of(fields: &[Field]) -> Self {
        let mut totals = [[1e-6_f32; 3]; MANY_WORDS];
        let mut random = Random(SEEDS[0]);
        for field in fields {
            if let Some(language) = place(field.language) {
                for (text, share) in texts(&field.text, &mut random) {
                    totals[length_class(&text)][language] += field.weight * share;
                }
            }
        }
        Self(totals.map(|[french, english, third]| {
            let ratio = (english / french).sqrt();
            [ratio, 1.0 / ratio, f32::midpoint(french, english) / third]
        }))
    }

    fn factor(&self, language: Language, text: &str) -> f32 {
        place(language).map_or(1.0, |language| self.0[length_class(text)][language])
    }
}

fn length_class(text: &str) -> usize {
    text.split_whitespace().count().clamp(1, MANY_WORDS) - 1
}

const fn place(language: Language) -> Option<usize> {
    match language {
        Language::French => Some(0),
        Language::English => Some(1),
        Language::Third => Some(2),
        Language::Both => None,
    }
}

/// The field and its snippets, each with its weight. A field of one word has none.
fn texts(field: &str, random: &mut Random) -> Vec<(String, f32)> {
    let words: Vec<&str> = field.split_whitespace().collect();
    let mut texts = vec![(field.to_owned(), 1.0)];
    if words.len() > 1 {
        for _ in 0..NUM_SNIPPETS {
            let num_words = words.len().min(1 + random.below(MAX_SNIPPET_WORDS));
            let start = random.below(words.len() - num_words + 1);
            let weight = if num_words == words.len() { SNIPPET_WEIGHT / 2.0 } else { SNIPPET_WEIGHT };
            texts.push((words[start..start + num_words].join(" "), weight));
        }
    }
    texts
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
fn share(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (((self.next() >> 32) * bound as u64) >> 32) as usize
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
