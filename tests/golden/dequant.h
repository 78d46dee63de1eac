/* dequant.h - made by make_dequant.py. */
static const struct {
    enum dtype t;
    const char *sha256;
} dequant_golden[] = {
    { DT_F16, "b161afa90f989c4816c4c2220550664b97fc9802cc7335c0eeba9772a7d7e290" },
    { DT_BF16, "3b2118c968bc155389e069cc09e14cc01fcb65123fe1a0bd028788f27ec9734d" },
    { DT_Q8_0, "c8d43d6e672d4d942b94a35a7f2c7687ad64715a8fe8d0304cdf8fcbd998cb6c" },
    { DT_Q4_0, "aede0004a84729dac56a3e79f21a05d91e2ff91baf49ab9e7c78c0d066a84db4" },
    { DT_Q4_1, "7fde144d90c5b6b778ac520f0689c666bbb0e01ad76adfe585f247e0767f4e31" },
    { DT_Q5_0, "da81637bf7567b3c2370fbd79cfa40eead3c3ff52d920a3629b18e510bfb91cd" },
    { DT_Q5_1, "1140f99748f22320d216a5041521e79cf70e66c2b244529a66d3cfa8097233dd" },
    { DT_Q4_K, "f072717e9b35bd76775a35f04678dbf68a8ab92932f80d6000fe87893f100f72" },
    { DT_Q5_K, "b1a0e044d210938e7218176c05bb1ff2ce0db5d407f316a1234fb1d5a5f9f91f" },
    { DT_Q6_K, "c9d237dd051641029939edd4ff3dcec8f71087b6cd680c4f57c77157bf972a80" },
};
